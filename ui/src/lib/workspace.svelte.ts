/** What the server knows of the workspace as a whole: days, attributes, maps; asked once and after each import. */
import type { Meta } from './api'
import { forget, Load } from './load.svelte'

class Workspace {
  load = new Load<Meta>()
  meta = $derived(this.load.data)

  refresh() {
    forget()
    this.load.ask('/api/meta')
  }
}

export const workspace = new Workspace()
