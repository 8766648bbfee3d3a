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
  #body: unknown

  /** With a body the question is in it, and goes by POST. */
  ask(url: string, body?: unknown) {
    untrack(() => void this.#run(url, body))
  }

  again() {
    void this.#run(this.#url, this.#body)
  }

  async #run(url: string, body?: unknown) {
    const name = body === undefined ? url : `${url} ${JSON.stringify(body)}`
    this.#stop?.abort()
    const stop = (this.#stop = new AbortController())
    this.#url = url
    this.#body = body
    this.error = undefined
    this.busy = true
    if (known.has(name)) this.data = known.get(name) as T
    const timer = setTimeout(() => (this.slow = true), 300)
    try {
      const data = await get<T>(url, stop.signal, body)
      known.set(name, data)
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
