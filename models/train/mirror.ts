import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** A file of a repository. Equal files have equal blobs, wherever they lie. */
export interface MirroredFile {
  readonly path: string
  readonly blob: string
}

/** The git directories of public repositories in a folder: `OWNER+NAME/repo`, bare or with a work tree. */
export class Mirror {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  #git(repository: string, ...command: string[]): Buffer {
    const place = join(this.#folder, repository.replace('/', '+'), 'repo')
    const inside = join(place, '.git')
    return execFileSync('git', ['--git-dir', existsSync(inside) ? inside : place, ...command], {
      maxBuffer: 2 ** 30,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  }

  has(repository: string): boolean {
    return existsSync(join(this.#folder, repository.replace('/', '+'), 'repo'))
  }

  /** All files of a commit, in the order of their paths. */
  list(repository: string, commit: string): MirroredFile[] {
    const lines = this.#git(repository, 'ls-tree', '-r', '-z', commit).toString().split('\0')
    return lines.filter(Boolean).map((line) => {
      const [about, path] = line.split('\t')
      return { path: path!, blob: about!.split(' ')[2]! }
    })
  }

  /** @throws Error if the mirror has left the file out */
  read(repository: string, blob: string): Buffer {
    return this.#git(repository, 'cat-file', 'blob', blob)
  }
}
