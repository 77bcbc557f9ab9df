// The worker of pdf.js, which reads the document on a thread of its own, is all of this file.
// oxlint-disable-next-line import/no-unassigned-import
import 'pdfjs-dist/legacy/build/pdf.worker.min.mjs';
