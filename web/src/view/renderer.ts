/** A frame with its masks on a canvas: WebGL2, or 2D where the processor would draw WebGL. Both read one table of colours, a row per region. */

export interface Picture {
  readonly bitmap: ImageBitmap | undefined;
  readonly map: { readonly width: number; readonly height: number; readonly cells: Uint16Array<ArrayBuffer> };
}

/** How a region is painted, in the alpha of its colour: not at all, faintly, as an answer, as what the pointer is on. */
export const PAINT = { none: 0, plain: 85, matched: 170, active: 255 } as const;

export interface Style {
  /** 0…1, of plain masks. */
  readonly opacity: number;
  readonly contours: boolean;
}

export interface Renderer {
  readonly name: 'webgl2' | '2d';
  setPicture(picture: Picture): void;
  /** [regions × 4] red, green, blue, PAINT. */
  draw(colours: Uint8Array<ArrayBuffer>, style: Style): void;
  close(): void;
}

const TABLE_WIDTH = 1024;

/** `want`: 'webgl2' or '2d'; without it the quicker one on this machine. */
export function createRenderer(canvas: HTMLCanvasElement, want?: string): Renderer {
  const isWebGl = want === 'webgl2' || (want !== '2d' && !isDrawnByProcessor());
  const gl = isWebGl ? canvas.getContext('webgl2', { alpha: false, antialias: false, preserveDrawingBuffer: true }) : null;
  return gl ? new WebGlRenderer(canvas, gl) : new CanvasRenderer(canvas);
}

let drawnByProcessor: boolean | undefined;

/**
 * Whether WebGL is drawn by the processor, which takes several times as long as the 2D canvas. Browsers do not say so by
 * failIfMajorPerformanceCaveat (Chromium 156).
 */
function isDrawnByProcessor(): boolean {
  if (drawnByProcessor !== undefined) return drawnByProcessor;
  // Of a canvas for this question: one that has had a WebGL context gets no other.
  const gl = document.createElement('canvas').getContext('webgl2');
  const info = gl?.getExtension('WEBGL_debug_renderer_info');
  const name = gl && info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : '';
  gl?.getExtension('WEBGL_lose_context')?.loseContext();
  drawnByProcessor = /swiftshader|llvmpipe|softpipe|basic render/i.test(name);
  return drawnByProcessor;
}

const VERTEX = `#version 300 es
out vec2 uv;
void main() {
  vec2 corner = vec2(float(gl_VertexID & 1), float(gl_VertexID >> 1)) * 2.0;
  uv = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// The four cells around a point vote with their bilinear weights, which rounds the steps of the map.
const FRAGMENT = `#version 300 es
precision highp float;
precision highp int;
precision highp usampler2D;
uniform usampler2D map;
uniform sampler2D colours;
uniform sampler2D picture;
uniform vec2 mapSize;
uniform vec2 pixel;
uniform float opacity;
uniform float contours;
uniform float hasPicture;
in vec2 uv;
out vec4 result;

vec4 colourAt(vec2 at) {
  vec2 place = at * mapSize - 0.5;
  ivec2 base = ivec2(floor(place));
  vec2 f = place - floor(place);
  ivec2 last = ivec2(mapSize) - 1;
  vec4 c[4];
  float w[4] = float[4]((1.0 - f.x) * (1.0 - f.y), f.x * (1.0 - f.y), (1.0 - f.x) * f.y, f.x * f.y);
  for (int i = 0; i < 4; ++i) {
    uint region = texelFetch(map, clamp(base + ivec2(i & 1, i >> 1), ivec2(0), last), 0).r;
    c[i] = texelFetch(colours, ivec2(int(region % 1024u), int(region / 1024u)), 0);
  }
  vec4 best = c[0];
  float most = -1.0;
  for (int i = 0; i < 4; ++i) {
    float sum = 0.0;
    for (int k = 0; k < 4; ++k) if (all(equal(c[i], c[k]))) sum += w[k];
    if (sum > most) { most = sum; best = c[i]; }
  }
  return best;
}

void main() {
  vec3 base = hasPicture > 0.5 ? texture(picture, uv).rgb : vec3(0.22);
  vec4 own = colourAt(uv);
  if (own.a < 0.2) { result = vec4(base, 1.0); return; }
  bool isActive = own.a > 0.9;
  bool isMatched = own.a > 0.5 && !isActive;
  float reach = isActive ? 2.2 : (isMatched ? 1.6 : 1.0);
  bool edge = false;
  for (int i = 0; i < 4; ++i) {
    vec2 step = vec2(float(i == 0) - float(i == 1), float(i == 2) - float(i == 3)) * pixel * reach;
    if (any(notEqual(colourAt(uv + step), own))) edge = true;
  }
  float fill = isActive ? max(opacity, 0.55) : (isMatched ? min(opacity * 1.5, 0.8) : opacity);
  vec3 colour = mix(base, own.rgb, fill);
  if (edge && (contours > 0.5 || isActive)) colour = isActive ? vec3(1.0) : mix(base, own.rgb, 0.95);
  result = vec4(colour, 1.0);
}`;

const UNIFORMS = ['picture', 'map', 'colours', 'mapSize', 'pixel', 'opacity', 'contours', 'hasPicture'] as const;
type Uniform = (typeof UNIFORMS)[number];

class WebGlRenderer implements Renderer {
  readonly name = 'webgl2';
  #program: WebGLProgram | undefined;
  #uniforms: Partial<Record<Uniform, WebGLUniformLocation | null>> = {};
  readonly #textures: WebGLTexture[] = [];
  #mapSize = [1, 1];
  #hasPicture = false;
  #picture: Picture | undefined;
  #drawn: { readonly colours: Uint8Array<ArrayBuffer>; readonly style: Style } | undefined;
  // Without this the browser never restores the context.
  readonly #onLost = (event: Event) => event.preventDefault();
  // A frozen frame and a photo have no next frame that would draw them again.
  readonly #onRestored = () => {
    this.#prepare();
    if (this.#picture) this.setPicture(this.#picture);
    if (this.#drawn) this.draw(this.#drawn.colours, this.#drawn.style);
  };

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly gl: WebGL2RenderingContext,
  ) {
    canvas.addEventListener('webglcontextlost', this.#onLost);
    canvas.addEventListener('webglcontextrestored', this.#onRestored);
    this.#prepare();
  }

  setPicture(picture: Picture): void {
    const { gl } = this;
    const { bitmap, map } = picture;
    // The bitmap belongs to the stage, which closes it just before it sets the next picture.
    this.#picture = picture;
    this.#hasPicture = bitmap !== undefined;
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    if (bitmap) {
      gl.activeTexture(gl.TEXTURE0);
      gl.bindTexture(gl.TEXTURE_2D, this.#textures[0]!);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, bitmap);
    }
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, this.#textures[1]!);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R16UI, map.width, map.height, 0, gl.RED_INTEGER, gl.UNSIGNED_SHORT, map.cells);
    this.#mapSize = [map.width, map.height];
  }

  draw(colours: Uint8Array<ArrayBuffer>, style: Style): void {
    const { gl, canvas } = this;
    const program = this.#program;
    this.#drawn = { colours, style };
    if (!program || gl.isContextLost()) return;
    const rows = Math.max(1, Math.ceil(colours.length / 4 / TABLE_WIDTH));
    const table = new Uint8Array(rows * TABLE_WIDTH * 4);
    table.set(colours);
    gl.activeTexture(gl.TEXTURE2);
    gl.bindTexture(gl.TEXTURE_2D, this.#textures[2]!);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, TABLE_WIDTH, rows, 0, gl.RGBA, gl.UNSIGNED_BYTE, table);
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.useProgram(program);
    const at = (name: Uniform) => this.#uniforms[name] ?? null;
    gl.uniform1i(at('picture'), 0);
    gl.uniform1i(at('map'), 1);
    gl.uniform1i(at('colours'), 2);
    gl.uniform2f(at('mapSize'), this.#mapSize[0]!, this.#mapSize[1]!);
    gl.uniform2f(at('pixel'), 1 / canvas.width, 1 / canvas.height);
    gl.uniform1f(at('opacity'), style.opacity);
    gl.uniform1f(at('contours'), style.contours ? 1 : 0);
    gl.uniform1f(at('hasPicture'), this.#hasPicture ? 1 : 0);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  close(): void {
    this.canvas.removeEventListener('webglcontextlost', this.#onLost);
    this.canvas.removeEventListener('webglcontextrestored', this.#onRestored);
    for (const texture of this.#textures) this.gl.deleteTexture(texture);
    if (this.#program) this.gl.deleteProgram(this.#program);
  }

  #prepare(): void {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, FRAGMENT],
    ] as const) {
      const shader = gl.createShader(type)!;
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    this.#program = program;
    this.#uniforms = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    this.#textures.length = 0;
    for (let i = 0; i < 3; i += 1) {
      const texture = gl.createTexture();
      gl.bindTexture(gl.TEXTURE_2D, texture);
      const filter = i === 0 ? gl.LINEAR : gl.NEAREST;
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, filter);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, filter);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
      this.#textures.push(texture);
    }
  }
}

class CanvasRenderer implements Renderer {
  readonly name = '2d';
  readonly #context: CanvasRenderingContext2D;
  readonly #masks: CanvasRenderingContext2D;
  #pixels: ImageData | undefined;
  #picture: Picture | undefined;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext('2d', { alpha: false })!;
    this.#masks = document.createElement('canvas').getContext('2d')!;
  }

  setPicture(picture: Picture): void {
    this.#picture = picture;
  }

  draw(colours: Uint8Array<ArrayBuffer>, style: Style): void {
    const context = this.#context;
    const { width, height } = this.canvas;
    const { bitmap, map } = this.#picture ?? {};
    if (bitmap) context.drawImage(bitmap, 0, 0, width, height);
    else {
      context.fillStyle = '#383838';
      context.fillRect(0, 0, width, height);
    }
    if (!map) return;
    this.#drawMasks(map, colours, style);
    context.drawImage(this.#masks.canvas, 0, 0, width, height);
  }

  close(): void {
    this.#picture = undefined;
  }

  #drawMasks({ width, height, cells }: Picture['map'], colours: Uint8Array<ArrayBuffer>, style: Style): void {
    if (this.#pixels?.width !== width || this.#pixels.height !== height) {
      Object.assign(this.#masks.canvas, { width, height });
      this.#pixels = this.#masks.createImageData(width, height);
    }
    const { insides, lines } = paintOf(colours, style);
    // A pixel, a colour and a paint as one number each: this runs at every move of the pointer.
    const same = new Uint32Array(colours.buffer);
    const out = new Uint32Array(this.#pixels.data.buffer);
    let i = 0;
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1, i += 1) {
        const region = cells[i]!;
        const own = same[region]!;
        const isEdge =
          (x > 0 && same[cells[i - 1]!] !== own) ||
          (x + 1 < width && same[cells[i + 1]!] !== own) ||
          (y > 0 && same[cells[i - width]!] !== own) ||
          (y + 1 < height && same[cells[i + width]!] !== own);
        out[i] = isEdge ? lines[region]! : insides[region]!;
      }
    }
    this.#masks.putImageData(this.#pixels, 0, 0);
  }
}

/** [regions] pixels of a canvas: inside of each region, and at its edge. */
function paintOf(colours: Uint8Array, { opacity, contours }: Style) {
  const alphas = new Map<number, number>([
    [PAINT.plain, opacity],
    [PAINT.matched, Math.min(opacity * 1.5, 0.8)],
    [PAINT.active, Math.max(opacity, 0.55)],
  ]);
  const insides = new Uint8ClampedArray(colours.length);
  const lines = new Uint8ClampedArray(colours.length);
  for (let at = 0; at < colours.length; at += 4) {
    const paint = colours[at + 3]!;
    if (paint === PAINT.none) continue;
    const [red, green, blue] = colours.subarray(at, at + 3);
    const inside = [red!, green!, blue!, 255 * (alphas.get(paint) ?? opacity)];
    const isActive = paint === PAINT.active;
    insides.set(inside, at);
    lines.set(isActive ? [255, 255, 255, 255 * 0.9] : contours ? [red!, green!, blue!, 255 * 0.9] : inside, at);
  }
  return { insides: new Uint32Array(insides.buffer), lines: new Uint32Array(lines.buffer) };
}
