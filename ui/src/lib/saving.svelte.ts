/** Saving a change: one at a time, its fault in words, and what was known before is forgotten. */
import { ApiError, get } from './api'
import { forget } from './load.svelte'

export class Saving {
  busy = $state(false)
  fault = $state.raw<ApiError>()
  /** The last change is kept. */
  done = $state(false)

  async send<T>(url: string, body: unknown): Promise<T | undefined> {
    this.busy = true
    this.done = false
    this.fault = undefined
    try {
      const answer = await get<T>(url, undefined, body)
      forget()
      this.done = true
      return answer
    } catch (error) {
      this.fault = error instanceof ApiError ? error : new ApiError('fault', String(error), '')
      return undefined
    } finally {
      this.busy = false
    }
  }
}
