/** Loading an answer: its four states come from the server and are never guessed; an old answer stays in sight. */
import { untrack } from 'svelte'
import { ApiError, get } from './api'

const SLOW = 300
const LATE = 2000
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
  /** It has taken more than two seconds: time to say so, and to offer a way out. */
  late = $state(false)
  /** Somebody did not want to wait for it. */
  stopped = $state(false)
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

  /** Wait no longer; what is shown stays. */
  cancel() {
    this.#stop?.abort()
    this.#stop = undefined
    this.busy = this.slow = this.late = false
    this.stopped = true
  }

  async #run(url: string, body?: unknown) {
    const name = body === undefined ? url : `${url} ${JSON.stringify(body)}`
    this.#stop?.abort()
    const stop = (this.#stop = new AbortController())
    this.#url = url
    this.#body = body
    this.error = undefined
    this.busy = true
    this.late = this.stopped = false
    if (known.has(name)) this.data = known.get(name) as T
    const timers = [setTimeout(() => (this.slow = true), SLOW), setTimeout(() => (this.late = true), LATE)]
    try {
      const data = await get<T>(url, stop.signal, body)
      known.set(name, data)
      if (!stop.signal.aborted) this.data = data
    } catch (error) {
      if (stop.signal.aborted) return
      this.error = error instanceof ApiError ? error : new ApiError('fault', String(error), '')
    } finally {
      timers.forEach(clearTimeout)
      if (this.#stop === stop) this.busy = this.slow = this.late = false
    }
  }
}
