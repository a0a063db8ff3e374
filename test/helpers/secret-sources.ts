/** Addresses of cameras that carry a secret, in the forms that cameras, gateways and GStreamer have for it. */

/** In every form as these letters, or with one of them in percent encoding. */
export const SECRET = 'Hunter2xyz';
export const SECRET_SOURCES: readonly string[] = [
  'rtsp://admin:SECRET@10.0.0.5/stream',
  'rtsp://SECRET@10.0.0.5/stream',
  'rtsp://admin:SECRET@10.0.0.5:554/h264Preview_01_main',
  'rtsp://admin:a/SECRET?b#c@10.0.0.5/stream',
  'rtsp://admin:p@SECRET@10.0.0.5/stream',
  'rtsp://10.0.0.5/user=admin_password=SECRET_channel=1_stream=0.sdp',
  'rtsp://10.0.0.5/user=admin&password=SECRET&channel=1&stream=0.sdp?',
  'rtsp://10.0.0.5:554/cam/realmonitor?channel=1&subtype=0&loginuse=admin&loginpas=SECRET',
  'rtsp://10.0.0.5/live?usr=admin&pwd=SECRET',
  'rtsp://10.0.0.5/live?user=admin&pw=SECRET',
  'rtsp://10.0.0.5/live?p=SECRET',
  'rtsp://10.0.0.5/live/admin/SECRET/ch0',
  'rtsp://10.0.0.5/SECRET',
  'rtsp://10.0.0.5/tcp/av0_0?auth=SECRET',
  'rtsp://10.0.0.5/stream;user=admin;pass=SECRET',
  'rtsp://10.0.0.5/stream#SECRET',
  'rtsps://10.0.0.5:7441/SECRET?enableSrtp',
  'RTSP://admin:SECRET@10.0.0.5/stream',
  'http://10.0.0.5/videostream.cgi?loginuse=admin&loginpas=SECRET',
  'http://10.0.0.5/cgi-bin/CGIStream.cgi?cmd=GetMJStream&usr=admin&pwd=SECRET',
  'http://10.0.0.5/mjpg/video.mjpg?camera=1&secretkey=SECRET',
  'http://10.0.0.5/live?token=SECRET',
  'http://10.0.0.5/live?access_token=SECRET&x=1',
  'http://10.0.0.5/live?jwt=SECRET',
  'http://10.0.0.5/live?sig=SECRET&expires=1',
  'http://10.0.0.5/live?X-Amz-Signature=SECRET',
  'http://10.0.0.5/live?sid=SECRET',
  'http://10.0.0.5/live?k=SECRET',
  'https://admin:SECRET@10.0.0.5/mjpeg',
  'https://10.0.0.5/t/SECRET/mjpeg',
  'https://10.0.0.5/live?code=SECRET%3D%3D',
  'http://admin:SECR%45T@10.0.0.5/mjpeg',
  'gst:rtspsrc location=rtsp://10.0.0.5/s user-id=admin user-pw=SECRET ! decodebin ! videoconvert',
  'gst:souphttpsrc location=http://10.0.0.5/ extra-headers="headers,Authorization=(string)SECRET" ! jpegdec',
  'gst:souphttpsrc location=http://10.0.0.5/ extra-headers="headers,X-Api-Key=\\"SECRET\\"" ! jpegdec',
  'gst:souphttpsrc location="http://10.0.0.5/?pw=SECRET" cookies="session\\=SECRET" ! jpegdec',
  'gst:srtsrc uri="srt://10.0.0.5:7001?passphrase=SECRET" ! decodebin',
  'gst:rtmpsrc location="rtmp://10.0.0.5/live/SECRET live=1" ! decodebin',
  'srt://10.0.0.5:7001?passphrase=SECRET',
  'rtsp//admin:SECRET@10.0.0.5/stream',
  'file:rtsp:/admin=SECRET',
  'v4l2:/dev/video0?password=SECRET',
  'rtsp://10.0.0.5/axis-media/media.amp?videocodec=h264&Authorization=SECRET',
  'rtsp://10.0.0.5/Streaming/Channels/101?auth=SECRET',
  'http://10.0.0.5/axis-cgi/mjpg/video.cgi?basic=SECRET',
  'http://10.0.0.5/stream.mjpg;jsessionid=SECRET',
  'http://10.0.0.5/hls/SECRET/index.m3u8',
].map((form) => form.replaceAll('SECRET', SECRET).replace('SECR%45T', 'Hunter2%78yz'));

/** Whether `text` carries the secret, or a part of it. */
export function leaks(text: string): boolean {
  return /Hunter2/i.test(text) || text.includes('xyz');
}
