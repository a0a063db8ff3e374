"""Generated training pictures: the conveyor of native/scenes/conveyor.cc, and wide procedural scenes drawn here.

Every sample is a pure function of its seed. Training uses seeds below 1,000,000, evaluation 9,000,000 and above.
"""

import ctypes
import os
from pathlib import Path

import cv2
import numpy as np

cv2.setNumThreads(1)
LEAST_PIXELS = 60
LEAST_VISIBLE = 0.15
HELD_OUT = 9_000_000

_library = None


def _renderer():
    global _library
    if _library is None:
        path = os.environ.get("FASTSAMD_RENDERER", str(Path(__file__).parent / "build" / "librenderer.so"))
        _library = ctypes.CDLL(path)
        _library.fastsamd_conveyor.argtypes = [
            *[ctypes.c_int] * 3,
            ctypes.c_double,
            ctypes.c_uint32,
            *[ctypes.c_void_p] * 3,
            ctypes.c_int,
        ]
    return _library


def conveyor(seed, width=640, height=640, index=0, fps=25.0):
    """Picture [H, W, 3] uint8 RGB and labels [H, W] uint8: 0 is background, k is instance k."""
    rgb = np.empty((height, width, 3), np.uint8)
    labels = np.empty((height, width), np.uint16)
    table = np.empty((255, 8), np.int64)
    _renderer().fastsamd_conveyor(
        index, width, height, fps, seed, rgb.ctypes.data, labels.ctypes.data, table.ctypes.data, len(table)
    )
    labels[labels > 255] = 0
    return rgb, labels.astype(np.uint8)


def _color(rng):
    return rng.integers(0, 256, 3).astype(np.float32)


def _noise(rng, height, width, cell, channels=3):
    """Smooth noise, -1..1, with detail of `cell` pixels."""
    rows, columns = max(2, int(height / cell) + 2), max(2, int(width / cell) + 2)
    small = rng.random((rows, columns, channels), np.float32) * 2 - 1
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, channels)


def _texture(rng, height, width):
    """A surface of some kind, float32 [H, W, 3]."""
    kind = rng.integers(0, 9)
    surface = np.empty((height, width, 3), np.float32)
    surface[:] = _color(rng)
    if kind <= 1:
        return surface
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    if kind <= 3:
        ramp = (along - along.min()) / max(1e-3, float(np.ptp(along)))
        surface += (_color(rng) - surface[0, 0]) * ramp[..., None] * rng.uniform(0.2, 1)
    elif kind == 4:
        period = rng.uniform(4, 40)
        stripe = (np.mod(along, period) < period * rng.uniform(0.2, 0.8)).astype(np.float32)
        surface += (_color(rng) - surface[0, 0]) * stripe[..., None] * rng.uniform(0.2, 1)
    elif kind == 5:
        period = rng.uniform(6, 40)
        across = y * np.cos(angle) - x * np.sin(angle)
        check = ((np.mod(along, period) < period / 2) ^ (np.mod(across, period) < period / 2)).astype(np.float32)
        surface += (_color(rng) - surface[0, 0]) * check[..., None] * rng.uniform(0.2, 1)
    else:
        strength = rng.uniform(10, 70)
        cell = rng.uniform(1.5, 60)
        channels = 1 if rng.random() < 0.6 else 3
        for _ in range(rng.integers(1, 4)):
            surface += strength * _noise(rng, height, width, cell, channels)
            cell = max(1.5, cell / 2.7)
            strength *= 0.6
    return surface


def _outline(rng, size):
    """Polygons (list of [N, 2], pixels) of a random shape around the origin, `size` across; the second is a hole."""
    half = size / 2
    kind = rng.integers(0, 9)
    squeeze = np.array([1.0, rng.uniform(0.35, 1.0)])
    holes = []
    if kind <= 1:
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        points = np.stack((np.cos(angles), np.sin(angles)), 1) * half * squeeze
        if kind == 1 and rng.random() < 0.6:
            holes.append(points * rng.uniform(0.3, 0.7))
    elif kind <= 3:
        points = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half * squeeze * 0.85
        if kind == 3:
            points = points + rng.uniform(-0.25, 0.25, (4, 2)) * half
    elif kind == 4:
        count = rng.integers(3, 9)
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        points = np.stack((np.cos(angles), np.sin(angles)), 1) * half * squeeze
    elif kind == 5:
        count = 2 * rng.integers(4, 8)
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        radii = np.where(np.arange(count) % 2, rng.uniform(0.4, 0.75), 1.0) * half
        points = np.stack((np.cos(angles), np.sin(angles)), 1) * radii[:, None]
    elif kind <= 7:
        angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
        radii = np.ones(64)
        for wave in range(2, rng.integers(4, 8)):
            radii += rng.uniform(0, 0.7 / wave) * np.cos(wave * angles + rng.uniform(0, 2 * np.pi))
        points = np.stack((np.cos(angles), np.sin(angles)), 1) * (half * np.maximum(radii, 0.15) / radii.max())[:, None]
        points = points * squeeze
    else:
        # A thick curved stroke.
        t = np.linspace(-1, 1, 24)
        bend = rng.uniform(-0.8, 0.8)
        center = np.stack((t * half, bend * half * (t * t - 0.5)), 1)
        tangent = np.gradient(center, axis=0)
        normal = np.stack((-tangent[:, 1], tangent[:, 0]), 1) / np.linalg.norm(tangent, axis=1, keepdims=True)
        thick = half * rng.uniform(0.12, 0.3) * (1 + rng.uniform(-0.5, 0.5) * t)[:, None]
        points = np.concatenate((center + normal * thick, (center - normal * thick)[::-1]))
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return [polygon @ turn.T for polygon in (points, *holes)]


def _draw(rng, picture, labels, label, areas, size):
    """One object: a shape, or two or three that hang together, as most things of the world have parts."""
    height, width = labels.shape
    center = np.array([rng.uniform(-0.02, 1.02) * width, rng.uniform(-0.02, 1.02) * height])
    _stamp(rng, picture, labels, label, areas, size, center)
    if rng.random() < 0.3:
        for _ in range(rng.integers(1, 3)):
            angle = rng.uniform(0, 2 * np.pi)
            beside = center + np.array([np.cos(angle), np.sin(angle)]) * size * rng.uniform(0.2, 0.45)
            _stamp(rng, picture, labels, label, areas, size * rng.uniform(0.3, 0.7), beside)


def _stamp(rng, picture, labels, label, areas, size, center):
    height, width = labels.shape
    outline = [polygon + center for polygon in _outline(rng, size)]
    low = np.floor(outline[0].min(0)).astype(int) - 2
    high = np.ceil(outline[0].max(0)).astype(int) + 3
    x0, y0, x1, y1 = max(0, low[0]), max(0, low[1]), min(width, high[0]), min(height, high[1])
    if x1 - x0 < 3 or y1 - y0 < 3:
        return
    # Pixel (x, y) covers x..x+1 here; OpenCV puts its centre at whole numbers.
    fixed = [np.round((polygon - (x0, y0) - 0.5) * 16).astype(np.int32) for polygon in outline]
    alpha = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(alpha, fixed, 255, cv2.LINE_AA, 4)
    region = picture[y0:y1, x0:x1]
    if rng.random() < 0.35:
        shift = int(size * rng.uniform(0.01, 0.06)) + 1
        shadow = np.roll(alpha, (shift, int(rng.integers(-shift, shift + 1))), (0, 1))
        shadow[:shift] = 0
        shadow = cv2.GaussianBlur(shadow, (0, 0), shift * 0.6 + 0.5)
        region *= 1 - (shadow.astype(np.float32) * (rng.uniform(0.2, 0.6) / 255))[..., None]
    surface = _texture(rng, y1 - y0, x1 - x0)
    if rng.random() < 0.3:
        # Part of the object looks different, and still belongs to it.
        inner = np.zeros_like(alpha)
        scale = rng.uniform(0.25, 0.75)
        middle = (np.array([x1 - x0, y1 - y0]) / 2 + rng.uniform(-0.15, 0.15, 2) * size)[None]
        shrunk = (fixed[0] / 16 - middle) * scale + middle
        cv2.fillPoly(inner, [np.round(shrunk * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        surface += (_color(rng) - surface) * (inner.astype(np.float32) / 255)[..., None]
    if rng.random() < 0.4:
        # Light from one side, by the distance to the edge.
        depth = cv2.distanceTransform((alpha > 127).astype(np.uint8), cv2.DIST_L2, 3)
        bevel = max(2.0, size * rng.uniform(0.04, 0.3))
        dome = cv2.GaussianBlur(np.minimum(depth / bevel, 1).astype(np.float32), (0, 0), 1.0)
        angle = rng.uniform(0, 2 * np.pi)
        slope = cv2.Sobel(dome, cv2.CV_32F, 1, 0) * np.cos(angle) + cv2.Sobel(dome, cv2.CV_32F, 0, 1) * np.sin(angle)
        surface *= (1 + np.clip(slope * bevel * 0.12, -1, 1) * rng.uniform(0.2, 0.6))[..., None]
    if rng.random() < 0.2:
        cv2.polylines(surface, fixed, True, _color(rng).tolist(), int(rng.integers(1, 4)), cv2.LINE_AA, 4)
    opacity = alpha.astype(np.float32)[..., None] / 255
    region += (surface - region) * opacity
    inside = alpha > 127
    labels[y0:y1, x0:x1][inside] = label
    area = max(float(inside.sum()), abs(cv2.contourArea(outline[0].astype(np.float32))) * 0.8)
    # Parts of one object overlap.
    areas[label] = max(areas.get(label, 0.0), area)


def _clutter(rng, picture):
    """Lines, speckles and ruled paper: what a scene has that is no object."""
    height, width = picture.shape[:2]
    for _ in range(rng.integers(0, 8)):
        ends = (rng.uniform(-0.1, 1.1, (2, 2)) * (width, height)).astype(int)
        thick = int(rng.integers(1, 3))
        cv2.line(picture, ends[0].tolist(), ends[1].tolist(), _color(rng).tolist(), thick, cv2.LINE_AA)
    for _ in range(rng.integers(0, 30)):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        cv2.circle(picture, (x, y), int(rng.integers(1, 3)), _color(rng).tolist(), -1, cv2.LINE_AA)


def _background(rng, height, width):
    surface = _texture(rng, height, width)
    if rng.random() < 0.5:
        # A horizon: two or three large surfaces, none of them an object.
        for _ in range(rng.integers(1, 3)):
            angle = rng.uniform(0, 2 * np.pi)
            y, x = np.mgrid[0:height, 0:width].astype(np.float32)
            dx, dy = x - width * rng.uniform(0.2, 0.8), y - height * rng.uniform(0.2, 0.8)
            side = dx * np.cos(angle) + dy * np.sin(angle)
            other = _texture(rng, height, width)
            surface += (other - surface) * np.clip(side + 0.5, 0, 1)[..., None]
    if rng.random() < 0.5:
        surface += rng.uniform(5, 40) * _noise(rng, height, width, rng.uniform(20, 200), 1)
    if rng.random() < 0.3:
        # Out of focus, as behind what a camera looks at.
        surface = cv2.GaussianBlur(surface, (0, 0), rng.uniform(1, 5))
    return surface


def wide(seed, width=320, height=320):
    """Picture and labels as `conveyor`, of shapes of any kind on any ground."""
    rng = np.random.default_rng(seed)
    picture = _background(rng, height, width)
    labels = np.zeros((height, width), np.uint8)
    areas = {}
    if rng.random() < 0.5:
        _clutter(rng, picture)
    scale = np.sqrt(width * height) / 320
    count = int(rng.integers(2, 5 + int(16 * scale)))
    largest = rng.uniform(50, 300) * scale
    sizes = sorted((np.exp(rng.uniform(np.log(16), np.log(largest))) for _ in range(count)), reverse=rng.random() < 0.7)
    for label, size in enumerate(sizes, 1):
        _draw(rng, picture, labels, label, areas, size)
    labels = relabel(labels, areas)
    if rng.random() < 0.4:
        picture *= 1 + rng.uniform(0.1, 0.5) * _noise(rng, height, width, rng.uniform(60, 300), 1)
    if rng.random() < 0.5:
        # Colours of the world are paler than random ones.
        grey = picture.mean(2, keepdims=True)
        picture = grey + (picture - grey) * np.float32(rng.uniform(0.1, 0.7))
    return degrade(rng, picture), labels


def degrade(rng, picture):
    """What optics and sensors do."""
    picture = np.ascontiguousarray(picture, np.float32)
    if rng.random() < 0.35:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.5:
        picture = (picture - 128) * rng.uniform(0.6, 1.3) + 128 + rng.uniform(-35, 35)
    if rng.random() < 0.3:
        picture = picture * rng.uniform(0.75, 1.25, 3).astype(np.float32)
    if rng.random() < 0.12:
        picture = np.repeat(picture.mean(2, keepdims=True), 3, 2)
    if rng.random() < 0.6:
        noise = rng.standard_normal(picture.shape, np.float32)
        picture = picture + noise * rng.uniform(1, 12)
    picture = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:
        code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 95))])[1]
        picture = cv2.imdecode(code, cv2.IMREAD_COLOR)
    return picture


def varied(rng, picture, labels):
    """The same scene turned, mirrored, in other colours."""
    turns = int(rng.integers(0, 4))
    picture, labels = np.rot90(picture[..., rng.permutation(3)], turns), np.rot90(labels, turns)
    if rng.random() < 0.5:
        picture, labels = picture[:, ::-1], labels[:, ::-1]
    if rng.random() < 0.5:
        picture = 255 - picture
    return np.ascontiguousarray(picture), np.ascontiguousarray(labels)


def relabel(labels, areas=None):
    """Numbers the instances 1..N; those that are nearly hidden become background. `areas`: pixels without occlusion."""
    counts = np.bincount(labels.ravel(), minlength=256)
    names = np.zeros(256, np.uint8)
    number = 0
    for label in range(1, 256):
        if counts[label] < LEAST_PIXELS or (areas and counts[label] < LEAST_VISIBLE * areas[label]):
            continue
        number += 1
        names[label] = number
    return names[labels]


def conveyor_crops(seed, side, count):
    """`count` crops of side x side pixels of one conveyor picture, varied as a camera would."""
    rng = np.random.default_rng(seed)
    if rng.random() < 0.5:
        width = height = 640
    else:
        width, height = (int(v) for v in rng.integers(max(side, 360), 900, 2))
    rgb, labels = conveyor(seed, width, height, int(rng.integers(0, 2000)))
    totals = np.bincount(labels.ravel(), minlength=256)
    for _ in range(count):
        x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
        # The border of the picture must be seen as often as its middle.
        x = rng.choice((0, width - side, x, x))
        y = rng.choice((0, height - side, y, y))
        part, names = rgb[y : y + side, x : x + side], labels[y : y + side, x : x + side]
        names = relabel(names, {k: totals[k] * 0.5 for k in range(256)})
        if rng.random() < 0.5:
            part = degrade(rng, part)
        turns = int(rng.integers(0, 4)) if rng.random() < 0.5 else 0
        part, names = np.rot90(part, turns), np.rot90(names, turns)
        if rng.random() < 0.5:
            part, names = part[:, ::-1], names[:, ::-1]
        yield np.ascontiguousarray(part), np.ascontiguousarray(names)


def letterboxed(rgb, labels, side=640, pad=114):
    """The picture as the product feeds it: centred in a square, the rest grey."""
    height, width = labels.shape
    r = min(side / height, side / width)
    w, h = round(width * r), round(height * r)
    left, top = round((side - w) / 2 - 0.1), round((side - h) / 2 - 0.1)
    picture = np.full((side, side, 3), pad, np.uint8)
    names = np.zeros((side, side), np.uint8)
    picture[top : top + h, left : left + w] = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_LINEAR)
    names[top : top + h, left : left + w] = cv2.resize(labels, (w, h), interpolation=cv2.INTER_NEAREST)
    return picture, names
