/** What a source gives. */
export type Use =
  /** Photographs with true masks in the repository: pairs. */
  | 'masked'
  /** Photographs with rough masks in the repository: what the teacher's matte is held against. */
  | 'outlined'
  /** Photographs: pairs, where the teacher's matte is to be trusted. */
  | 'taught'
  /** Photographs: grounds, where the teacher sees no subject. */
  | 'emptied'
  /** Photographs with rough masks in the repository: crops beside them, which are then as those that are emptied. */
  | 'beside'
  /** Pictures with true alpha: cut-outs. */
  | 'cut out'
  /** Pictures without a subject: grounds. */
  | 'ground'

/** A public repository, or a part of one, as data for training. */
export interface Source {
  /** Names the source's folders. */
  readonly name: string
  /** `owner/name` on GitHub. */
  readonly repository: string
  readonly commit: string
  readonly use: Use
  readonly subject: string
  /** Files that are taken; the first group, where there is one, names a class. */
  readonly files: RegExp
  /** Files that would be taken, and are not. */
  readonly without?: { readonly files: RegExp; readonly because: string }
  /** What else is left out, which paths do not tell. */
  readonly heldOut?: string
  /** Most files of a class, or of all where there are no classes; chosen at random, the same ones every time. */
  readonly atMost?: number
  /** Takes each so many-th file of a class, in order of their names. */
  readonly every?: number
  /** Crops of each picture; without it the whole picture is one. */
  readonly crops?: number
  /** Whether there may be others beside a photograph's subject: what lies beside it is no ground. */
  readonly hasOthers?: true
  /** Alpha below this, 0 to 255, is shadow. */
  readonly shadowBelow?: number
  /** Where in a repository each photograph's own licence stands, and which of them are taken. */
  readonly licences?: {
    readonly repository: string
    readonly commit: string
    readonly file: string
    readonly ids: readonly number[]
  }
  readonly licence: string
  readonly statedIn: string
  /** Whether it is clear that who states the licence may state it for these pictures. */
  readonly origin: 'clear' | 'mixed'
}
