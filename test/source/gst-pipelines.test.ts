import { describe, expect, it } from 'vitest';
import { filePipeline, fraction, quoted, v4l2Pipeline } from '../../src/source/gst-pipelines.js';

describe('pipelines', () => {
  it('of files keep every frame, and follow the clock only when asked', () => {
    expect(filePipeline('/clips/a.mp4', false)).toBe(
      'filesrc location="/clips/a.mp4" ! decodebin ! videoconvert ! videoflip video-direction=auto ! video/x-raw,format=(string){I420,NV12,RGB,BGR,RGBA} ! appsink name=sink sync=false',
    );
    expect(filePipeline('/clips/a.mp4', true)).toMatch(/sync=true$/);
  });

  it('of cameras ask for what is configured and nothing else', () => {
    expect(v4l2Pipeline('/dev/video0', {})).toContain('capsfilter caps="video/x-raw;image/jpeg"');
    expect(v4l2Pipeline('/dev/video0', { width: 1280, height: 720, fps: 29.97 })).toContain(
      'caps="video/x-raw,width=1280,height=720,framerate=30000/1001;image/jpeg,width=1280,height=720,framerate=30000/1001"',
    );
  });

  it('cannot be broken out of by a file name', () => {
    expect(quoted('a" ! filesink location="/etc/passwd')).toBe('"a\\" ! filesink location=\\"/etc/passwd"');
    expect(quoted('back\\slash')).toBe('"back\\\\slash"');
  });
});

describe('frame rates as fractions', () => {
  it.each([
    [30, '30/1'],
    [29.97, '30000/1001'],
    [59.94, '60000/1001'],
    [23.976, '24000/1001'],
    [12.5, '12500/1000'],
  ])('%f', (fps, text) => {
    expect(fraction(fps)).toBe(text);
  });
});
