"""An RTSP server for tests; "size WIDTH HEIGHT" on stdin changes the picture."""
import argparse
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gio, GLib, Gst, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "openh264enc complexity=low gop-size=15 ! h264parse ! rtph264pay name=pay0 config-interval=-1",
    "h265": "x265enc speed-preset=ultrafast tune=zerolatency key-int-max=15 ! h265parse ! rtph265pay name=pay0 config-interval=-1",
    "mjpeg": "jpegenc ! rtpjpegpay name=pay0",
}
CAPS = "video/x-raw,format=I420,width={},height={},framerate=15/1"


class Factory(GstRtspServer.RTSPMediaFactory):
    def __init__(self, codec, width, height):
        super().__init__()
        self.size = (width, height)
        self.codec = codec
        self.filters = []
        self.set_shared(True)

    def do_create_element(self, _url):
        source = f"videotestsrc is-live=true pattern=ball ! capsfilter name=size caps={CAPS.format(*self.size)}"
        bin = Gst.parse_launch(f"( {source} ! {ENCODERS[self.codec]} )")
        self.filters.append(bin.get_by_name("size"))
        return bin

    def resize(self, width, height):
        self.size = (width, height)
        for each in self.filters:
            each.set_property("caps", Gst.Caps.from_string(CAPS.format(width, height)))


def protect(factory, login, tls):
    """Everything is forbidden that is not allowed to somebody: to the one user, or to anybody."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if login:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
    else:
        auth.set_default_token(token)
    if tls:
        auth.set_tls_certificate(Gio.TlsCertificate.new_from_files(*tls))
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)
    return auth


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port")
    parser.add_argument("codec", choices=ENCODERS)
    parser.add_argument("width", type=int)
    parser.add_argument("height", type=int)
    parser.add_argument("--login", nargs=2, metavar=("USER", "PASSWORD"))
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    return parser.parse_args()


def main():
    args = arguments()
    Gst.init(None)
    server = GstRtspServer.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service(args.port)
    factory = Factory(args.codec, args.width, args.height)
    server.get_mount_points().add_factory("/cam", factory)
    if args.login or args.tls:
        server.set_auth(protect(factory, args.login, args.tls))
    server.attach(None)
    loop = GLib.MainLoop()

    def on_line(channel, _condition):
        line = channel.readline()
        if not line:
            loop.quit()
            return False
        words = line.split()
        if words and words[0] == "size":
            factory.resize(int(words[1]), int(words[2]))
        return True

    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_line)
    print("ready", flush=True)
    loop.run()


main()
