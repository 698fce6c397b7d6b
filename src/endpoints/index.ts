import type { Endpoint } from '../endpoint.ts'
import { adminCheckStorage } from './admin-check-storage.ts'
import { adminPayments } from './admin-payments.ts'
import { adminTakedown } from './admin-takedown.ts'
import { buyUploadToken } from './buy-upload-token.ts'
import { file } from './file.ts'
import { generateImage } from './generate-image.ts'
import { generateVideo } from './generate-video.ts'
import { cancelGeneration, readGeneration, retryGeneration } from './generation.ts'
import { health } from './health.ts'
import { deleteFile, readFile } from './manage-file.ts'
import { models } from './models.ts'
import { removeBackground } from './remove-background.ts'
import { upload } from './upload.ts'
import { uploadFree } from './upload-free.ts'

/** Every URL of the API, in the order in which the documentation lists them. */
export const endpoints: readonly Endpoint[] = [
  removeBackground,
  generateImage,
  generateVideo,
  readGeneration,
  cancelGeneration,
  retryGeneration,
  models,
  uploadFree,
  buyUploadToken,
  upload,
  file,
  readFile,
  deleteFile,
  health,
  adminPayments,
  adminTakedown,
  adminCheckStorage,
]
