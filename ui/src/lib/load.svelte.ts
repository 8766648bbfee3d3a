/** Loading an answer: its four states come from the server and are never guessed; an old answer stays in sight. */
import { untrack } from 'svelte'
import { ApiError, get } from './api'

const known = new Map<string, unknown>()

/** Forget every answer, after the data changed. */
export const forget = () => known.clear()

export class Load<T> {
  data = $state.raw<T>()
  error = $state.raw<ApiError>()
  /** An answer is awaited, or the shown one belongs to an earlier question. */
  busy = $state(true)
  /** It has taken more than 300 ms: time for a skeleton. */
  slow = $state(false)
  #stop: AbortController | undefined
  #url = ''

  ask(url: string) {
    untrack(() => void this.#run(url))
  }

  again() {
    void this.#run(this.#url)
  }

  async #run(url: string) {
    this.#stop?.abort()
    const stop = (this.#stop = new AbortController())
    this.#url = url
    this.error = undefined
    this.busy = true
    if (known.has(url)) this.data = known.get(url) as T
    const timer = setTimeout(() => (this.slow = true), 300)
    try {
      const data = await get<T>(url, stop.signal)
      known.set(url, data)
      if (!stop.signal.aborted) this.data = data
    } catch (error) {
      if (stop.signal.aborted) return
      this.error = error instanceof ApiError ? error : new ApiError('fault', String(error), '')
    } finally {
      clearTimeout(timer)
      if (this.#stop === stop) this.busy = this.slow = false
    }
  }
}
