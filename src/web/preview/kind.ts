export type PreviewKind = 'image' | 'audio' | 'video' | 'pdf' | 'markdown' | 'text' | 'none';

const KINDS: readonly [PreviewKind, RegExp][] = [
  ['image', /\.(apng|avif|bmp|gif|ico|jfif|jpe?g|png|webp)$/i],
  ['audio', /\.(aac|flac|m4a|mp3|oga|ogg|opus|wav|weba)$/i],
  ['video', /\.(m4v|mov|mp4|ogv|webm)$/i],
  ['pdf', /\.pdf$/i],
  ['markdown', /\.(md|markdown)$/i],
  [
    'none',
    /\.(7z|a|bin|bz2|class|deb|dmg|docx?|exe|gz|heic|img|iso|jar|mkv|o|odt|pptx?|rar|so|tar|tgz|tiff?|xlsx?|xz|zip|zst)$/i,
  ],
];

/** How a file is shown, by the extension of its name. What has none that is known may be text: its first bytes decide. */
export function previewKind(name: string): PreviewKind {
  return KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'text';
}
