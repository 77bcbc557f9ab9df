/** A file, or an empty folder, that was chosen for an upload, with the folders that it lies in. */
export interface Picked {
  readonly folders: readonly string[];
  /** Absent: only the folders are made. */
  readonly file?: File;
}

/** From an `<input type="file">`. */
export function pickedFiles(files: Iterable<File>): Picked[] {
  return [...files].map((file) => ({ folders: file.webkitRelativePath.split('/').slice(0, -1), file }));
}

/** Whether something that is dragged is files of the computer. */
export function hasFiles(data: DataTransfer | null): boolean {
  return data?.types.includes('Files') ?? false;
}

/** Everything that was dropped, folders with all that is in them. */
export async function droppedFiles(data: DataTransfer): Promise<Picked[]> {
  // The list is empty after the first await.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const picked: Picked[] = [];
  for (const entry of entries) {
    if (entry instanceof File) picked.push({ folders: [], file: entry });
    else if (entry !== null) await walk(entry, [], picked);
  }
  return picked;
}

/** Adds a file, or all files of a folder, or a folder without any. */
async function walk(entry: FileSystemEntry, folders: readonly string[], picked: Picked[]): Promise<void> {
  if (isFile(entry)) {
    picked.push({ folders, file: await new Promise<File>((resolve, reject) => entry.file(resolve, reject)) });
    return;
  }
  if (!isDirectory(entry)) return;
  const inner = [...folders, entry.name];
  const before = picked.length;
  const reader = entry.createReader();
  for (;;) {
    // It lists a hundred at a time.
    const page = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (page.length === 0) break;
    for (const child of page) await walk(child, inner, picked);
  }
  if (picked.length === before) picked.push({ folders: inner });
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
