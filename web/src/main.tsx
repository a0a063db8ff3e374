import { render } from 'preact';
import { App } from './app.js';
import { start } from './link/link.js';
import { applyTheme } from './ui/theme.js';

applyTheme();
start();
render(<App />, document.getElementById('app')!);
