// A camera that attacks its reader, as a process of its own: node hostile-camera.mjs KIND. It prints its port.
import net from 'node:net';

const kind = process.argv[2];
const LONG = 'A'.repeat(60_000);
const CHUNK = Buffer.alloc(1 << 20, 'x');
const RTP_BYTES = 60_000;

/** A JPEG header that claims `width` × `height` pixels, and next to no data behind it. */
function jpegBomb(width, height) {
  const segment = (marker, body) => Buffer.concat([Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 255]), body]);
  const quantisation = segment(0xdb, Buffer.concat([Buffer.from([0]), Buffer.alloc(64, 1)]));
  const frame = segment(0xc0, Buffer.from([8, height >> 8, height & 255, width >> 8, width & 255, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]));
  const huffman = (selector) => segment(0xc4, Buffer.concat([Buffer.from([selector, 1]), Buffer.alloc(15), Buffer.from([0])]));
  const scan = segment(0xda, Buffer.from([3, 1, 0, 2, 0, 3, 0, 0, 63, 0]));
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    quantisation,
    frame,
    huffman(0),
    huffman(0x10),
    scan,
    Buffer.alloc(1500),
    Buffer.from([0xff, 0xd9]),
  ]);
}

/** Writes what `next` makes, for as long as the other side takes it. */
function flood(socket, next) {
  const write = () => {
    while (!socket.destroyed && socket.write(next()));
  };
  socket.on('drain', write);
  write();
}

function part(picture) {
  return Buffer.concat([
    Buffer.from(`--b\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`),
    picture,
    Buffer.from('\r\n'),
  ]);
}

const MULTIPART = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n';
const SDP =
  'v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:track0\r\n';

/** One interleaved RTP packet with `payload`. */
function rtp({ sequence, time = 0, ssrc = 1, payload, channel = 0 }) {
  const head = Buffer.alloc(16);
  head[0] = 0x24;
  head[1] = channel;
  head.writeUInt16BE(12 + payload.length, 2);
  head[4] = 0x80;
  head[5] = 96;
  head.writeUInt16BE(sequence & 0xffff, 6);
  head.writeUInt32BE(time >>> 0, 8);
  head.writeUInt32BE(ssrc >>> 0, 12);
  return Buffer.concat([head, payload]);
}

const FRAGMENT = Buffer.alloc(RTP_BYTES, 0x55);
// FU-A of an IDR slice: the first begins, none ends.
FRAGMENT[0] = 0x7c;

const rtspFloods = {
  'rtsp-fragments': () => {
    let sequence = 0;
    return () => {
      FRAGMENT[1] = sequence === 0 ? 0x85 : 0x05;
      return rtp({ sequence: sequence++, payload: FRAGMENT });
    };
  },
  'rtsp-aggregates': () => {
    // Whole NAL units of one picture that never ends: the marker bit is never set, the time never changes.
    let sequence = 0;
    const payload = Buffer.alloc(RTP_BYTES, 0x55);
    payload[0] = 0x65;
    return () => rtp({ sequence: sequence++, payload });
  },
  'rtsp-sources': () => {
    let ssrc = 1;
    const payload = Buffer.alloc(100, 0x55);
    payload[0] = 0x65;
    const next = () => {
      ssrc += 7919;
      return rtp({ sequence: 1, ssrc, payload });
    };
    return () => Buffer.concat(Array.from({ length: 100 }, next));
  },
  'rtsp-gaps': () => {
    let sequence = 0;
    const payload = Buffer.alloc(RTP_BYTES, 0x55);
    payload[0] = 0x65;
    return () => {
      sequence += 2;
      return rtp({ sequence, time: sequence, payload });
    };
  },
  'rtsp-garbage': () => () => CHUNK,
};

function rtspSession(socket) {
  let text = '';
  let flooding = false;
  socket.on('data', (data) => {
    if (flooding) return;
    text += data.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const request = text.slice(0, end);
      text = text.slice(end + 4);
      const sequence = /CSeq: *(\d+)/i.exec(request)?.[1] ?? '1';
      const verb = request.split(' ', 1)[0];
      const head = `RTSP/1.0 200 OK\r\nCSeq: ${sequence}\r\n`;
      if (verb === 'OPTIONS') {
        if (kind === 'rtsp-reason') socket.write(`RTSP/1.0 404 ${LONG}\r\nCSeq: ${sequence}\r\n\r\n`);
        else socket.write(`${head}Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n`);
      } else if (verb === 'DESCRIBE') {
        if (kind === 'rtsp-headers') {
          socket.write(head);
          flooding = true;
          flood(socket, () => `X-Filler: ${'x'.repeat(3000)}\r\n`.repeat(50));
          return;
        }
        if (kind === 'rtsp-body') {
          socket.write(`${head}Content-Type: application/sdp\r\nContent-Length: 2000000000\r\n\r\n`);
          flooding = true;
          flood(socket, () => CHUNK);
          return;
        }
        if (kind === 'rtsp-redirect') {
          socket.write(`RTSP/1.0 302 Moved\r\nCSeq: ${sequence}\r\nLocation: ${process.argv[3]}\r\n\r\n`);
          return;
        }
        socket.write(
          `${head}Content-Type: application/sdp\r\nContent-Base: rtsp://127.0.0.1/\r\nContent-Length: ${SDP.length}\r\n\r\n${SDP}`,
        );
      } else if (verb === 'SETUP') {
        socket.write(`${head}Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n`);
      } else if (verb === 'PLAY') {
        socket.write(`${head}Session: 1\r\n\r\n`);
        flooding = true;
        flood(socket, rtspFloods[kind]());
      } else socket.write(`${head}\r\n`);
    }
  });
}

const attacks = {
  'http-reason': (socket) => socket.end(`HTTP/1.1 404 ${LONG}\r\nContent-Length: 0\r\n\r\n`),
  'http-headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    flood(socket, () => `X-Filler: ${'x'.repeat(3000)}\r\n`.repeat(50));
  },
  'http-line': (socket) => {
    socket.write('HTTP/1.1 200 ');
    flood(socket, () => CHUNK);
  },
  'http-error-body': (socket) => {
    socket.write('HTTP/1.1 500 Oops\r\n\r\n');
    flood(socket, () => CHUNK);
  },
  'http-body': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n');
    flood(socket, () => CHUNK);
  },
  'part-headers': (socket) => {
    socket.write(`${MULTIPART}--b\r\n`);
    flood(socket, () => `X-Filler: ${'x'.repeat(1000)}\r\n`.repeat(100));
  },
  'endless-picture': (socket) => {
    socket.write(`${MULTIPART}--b\r\nContent-Type: image/jpeg\r\n\r\n`);
    flood(socket, () => CHUNK);
  },
  'jpeg-bomb': (socket) => {
    socket.write(MULTIPART);
    const picture = part(jpegBomb(32_000, 32_000));
    setInterval(() => socket.write(picture), 40).unref();
  },
  'http-redirect': (socket) => socket.end(`HTTP/1.1 302 Found\r\nLocation: ${process.argv[3]}\r\nContent-Length: 0\r\n\r\n`),
};

const server = net.createServer((socket) => {
  socket.on('error', () => socket.destroy());
  if (kind.startsWith('rtsp-')) return rtspSession(socket);
  let answered = false;
  socket.on('data', (data) => {
    if (answered) return;
    answered = true;
    // The reachability probe asks with OPTIONS.
    if (data.toString('latin1').startsWith('OPTIONS')) socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    else attacks[kind](socket);
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(`${server.address().port}\n`));
process.stdin.on('end', () => process.exit()).resume();
