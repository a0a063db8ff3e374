import { existsSync } from 'node:fs';

/** Where the browser is; undefined without one. `scripts/setup.sh test` installs it. */
export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
