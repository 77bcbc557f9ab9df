/** px of the longer side: enough for a tile on a screen of two dots per px. */
const SIDE = 320;

/** A small copy of a picture, upright, with its proportions. @throws if the browser cannot decode it */
export async function scaleDown(picture: Blob): Promise<Blob> {
  const full = await createImageBitmap(picture);
  try {
    const factor = Math.min(1, SIDE / Math.max(full.width, full.height));
    const [width, height] = [full.width, full.height].map((side) => Math.max(1, Math.round(side * factor)));
    const canvas = new OffscreenCanvas(width ?? 1, height ?? 1);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('no canvas');
    context.imageSmoothingQuality = 'high';
    context.drawImage(full, 0, 0, canvas.width, canvas.height);
    // A browser that has no WebP makes PNG of it.
    return await canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
  } finally {
    full.close();
  }
}
