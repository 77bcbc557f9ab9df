/** Name of the browser's cache of thumbnails. The service worker deletes it when the session ends. */
export const THUMBNAILS = 'thumbnails';
