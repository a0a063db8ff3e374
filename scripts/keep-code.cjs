// Runs a command as bin/fastsamd does, and at its end keeps the code that V8 compiled for it: scripts/bundle.mjs.
const { join } = require('node:path');
const { Bundle } = require('../bin/bundle.cjs');

const bundle = new Bundle(join(__dirname, '../dist/bundle'));
process.on('exit', () => bundle.keepCode());
bundle.load('./main.cjs');
