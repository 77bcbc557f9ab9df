import { constants, openSync } from 'node:fs';
import { serve } from '../../threads/serve.mjs';

const { O_RDWR, O_CREAT, O_EXCL } = constants;

/**
 * @param {string} path
 * @returns {number} a descriptor, or -1 for a file that could not be made
 */
function make(path) {
  try {
    return openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  } catch {
    return -1;
  }
}

serve((/** @type {readonly string[]} */ paths) => paths.map(make));
