"""The network of demo.onnx: one-class instance segmentation of the YOLO-seg family, without anchor boxes.

Contract (the same as FastSAM's): images [B, 3, H, W], RGB, 0..1, H and W multiples of 32, to
  detections [B, 37, A]: cx, cy, w, h in input pixels, one score after the sigmoid, 32 mask coefficients;
      A = HW/64 + HW/256 + HW/1024 in the order of strides 8, 16, 32, each row by row;
  proto masks [B, 32, H/4, W/4].
"""

import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)
COEFFICIENTS = 32
NORM_EPSILON = 1e-3


class Conv(nn.Module):
    """Convolution, batch normalisation, ReLU: what every runtime fuses into one kernel."""

    def __init__(self, inputs, outputs, kernel=1, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=NORM_EPSILON, momentum=0.03)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)

    def fuse(self):
        """Folds the normalisation into the convolution, for export."""
        gain = self.norm.weight / torch.sqrt(self.norm.running_var + self.norm.eps)
        fused = nn.Conv2d(
            self.conv.in_channels, self.conv.out_channels, self.conv.kernel_size, self.conv.stride, self.conv.padding
        )
        fused.weight.data = self.conv.weight * gain[:, None, None, None]
        fused.bias.data = self.norm.bias - self.norm.running_mean * gain
        self.conv, self.norm = fused, nn.Identity()


class Split(nn.Module):
    """Cross-stage block: half of the channels pass `depth` pairs of 3x3 convolutions, all states are joined."""

    def __init__(self, inputs, outputs, depth, residual=True):
        super().__init__()
        self.half = outputs // 2
        self.residual = residual
        self.enter = Conv(inputs, 2 * self.half)
        self.pairs = nn.ModuleList(
            nn.Sequential(Conv(self.half, self.half, 3), Conv(self.half, self.half, 3)) for _ in range(depth)
        )
        self.leave = Conv((2 + depth) * self.half, outputs)

    def forward(self, x):
        states = list(self.enter(x).split(self.half, 1))
        for pair in self.pairs:
            y = pair(states[-1])
            states.append(states[-1] + y if self.residual else y)
        return self.leave(torch.cat(states, 1))


class Pool(nn.Module):
    """Spatial pyramid: three 5x5 max pools in a row widen the view of the last level."""

    def __init__(self, channels):
        super().__init__()
        self.enter = Conv(channels, channels // 2)
        self.leave = Conv(channels * 2, channels)

    def forward(self, x):
        states = [self.enter(x)]
        for _ in range(3):
            states.append(F.max_pool2d(states[-1], 5, 1, 2))
        return self.leave(torch.cat(states, 1))


class Head(nn.Module):
    """Of one level: a shared stem, then boxes with coefficients, and scores, on their own."""

    def __init__(self, channels):
        super().__init__()
        self.stem = Conv(channels, 64, 3)
        self.shape = Conv(64, 48, 3)
        self.score = Conv(64, 32, 3)
        self.to_box = nn.Conv2d(48, 4, 1)
        self.to_coefficients = nn.Conv2d(48, COEFFICIENTS, 1)
        self.to_score = nn.Conv2d(32, 1, 1)
        nn.init.constant_(self.to_score.bias, -4.6)
        nn.init.constant_(self.to_box.bias, 2.0)

    def forward(self, x):
        stem = self.stem(x)
        shape = self.shape(stem)
        return self.to_box(shape), self.to_score(self.score(stem)), self.to_coefficients(shape)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = Conv(3, 16, 3, 2)
        self.down4 = Conv(16, 32, 3, 2)
        self.stage4 = Split(32, 32, 1)
        self.down8 = Conv(32, 64, 3, 2)
        self.stage8 = Split(64, 64, 2)
        self.down16 = Conv(64, 96, 3, 2)
        self.stage16 = Split(96, 96, 2)
        self.down32 = Conv(96, 128, 3, 2)
        self.stage32 = nn.Sequential(Split(128, 128, 1), Pool(128))
        self.up16 = Split(128 + 96, 96, 1, residual=False)
        self.up8 = Split(96 + 64, 64, 1, residual=False)
        self.back16 = Conv(64, 64, 3, 2)
        self.out16 = Split(64 + 96, 96, 1, residual=False)
        self.back32 = Conv(96, 96, 3, 2)
        self.out32 = Split(96 + 128, 128, 1, residual=False)
        self.heads = nn.ModuleList(Head(channels) for channels in (64, 96, 128))
        # Masks need edges: the proto branch also sees the features of stride 4.
        self.proto_from8 = Conv(64, 32)
        self.proto_from4 = Conv(32, 32)
        self.proto = nn.Sequential(Conv(32, 32, 3), Conv(32, 32, 3), nn.Conv2d(32, COEFFICIENTS, 1))

    def forward(self, images):
        """Raw outputs: distances [B, A, 4] in strides (left, top, right, bottom), score logits [B, A], coefficients
        [B, A, 32], proto masks [B, 32, H/4, W/4]."""
        p4 = self.stage4(self.down4(self.stem(images)))
        p8 = self.stage8(self.down8(p4))
        p16 = self.stage16(self.down16(p8))
        p32 = self.stage32(self.down32(p16))
        up16 = self.up16(torch.cat((F.interpolate(p32, scale_factor=2.0), p16), 1))
        out8 = self.up8(torch.cat((F.interpolate(up16, scale_factor=2.0), p8), 1))
        out16 = self.out16(torch.cat((self.back16(out8), up16), 1))
        out32 = self.out32(torch.cat((self.back32(out16), p32), 1))
        raw = [head(level) for head, level in zip(self.heads, (out8, out16, out32))]
        boxes, scores, coefficients = (torch.cat([level[i].flatten(2) for level in raw], 2) for i in range(3))
        proto = self.proto(F.interpolate(self.proto_from8(out8), scale_factor=2.0) + self.proto_from4(p4))
        return F.softplus(boxes).transpose(1, 2), scores[:, 0], coefficients.transpose(1, 2), proto


def anchor_points(height, width, device=None):
    """Centres of all cells in pixels [A, 2] (x, y), and their strides [A]."""
    points, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(height // stride, device=device), torch.arange(width // stride, device=device), indexing="ij"
        )
        points.append((torch.stack((x, y), -1).reshape(-1, 2) + 0.5) * stride)
        strides.append(torch.full((points[-1].shape[0],), float(stride), device=device))
    return torch.cat(points), torch.cat(strides)


def to_boxes(distances, points, strides):
    """Left, top, right, bottom in strides to x0, y0, x1, y1 in pixels."""
    distances = distances * strides[:, None]
    return torch.cat((points - distances[..., :2], points + distances[..., 2:]), -1)


class Exported(nn.Module):
    """The network with the decoding of boxes and scores that the contract asks for, for one input size."""

    def __init__(self, network, height, width):
        super().__init__()
        self.network = network
        points, strides = anchor_points(height, width)
        self.register_buffer("points", points.T[None].contiguous())
        self.register_buffer("strides", strides[None, None])

    def forward(self, images):
        distances, scores, coefficients, proto = self.network(images)
        distances = distances.transpose(1, 2) * self.strides
        begin, end = distances[:, :2], distances[:, 2:]
        centers = self.points + (end - begin) * 0.5
        detections = torch.cat(
            (centers, begin + end, torch.sigmoid(scores)[:, None], coefficients.transpose(1, 2)), 1
        )
        return detections, proto


def fuse(network):
    for module in network.modules():
        if isinstance(module, Conv):
            module.fuse()
    return network
