import { render } from 'preact';
import { start } from './link/link.js';
import { App } from './ui/app.js';
import { applyTheme } from './ui/theme.js';

applyTheme();
start();
render(<App />, document.getElementById('app')!);
