"""Trains the network on generated scenes; resumes from its checkpoint. See train.sh for the whole recipe.

    python train.py --out build/crops.pt --iterations 5000 --side 320 --batch 8
    python train.py --out build/demo.pt --init build/crops.pt --iterations 1200 --side 640 --batch 2 --rate 3e-4
"""

import argparse
import math
import os
import time

import numpy as np
import torch
from torch.nn import functional as F

import scenes
from export import read_weights
from network import Network, anchor_points, to_boxes

MAX_INSTANCES = 48
CANDIDATES = 10
MASK_ANCHORS = 3


class Scenes(torch.utils.data.IterableDataset):
    """Endless batches (pictures [B, 3, S, S] uint8, labels [B, S, S] uint8), three of five pictures of the conveyor."""

    def __init__(self, first_seed, batch, side):
        self.first_seed, self.batch, self.side = first_seed, batch, side

    def __iter__(self):
        seed = self.first_seed
        rng = np.random.default_rng(seed)
        conveyors = round(self.batch * 0.6)
        drawn = []
        while True:
            samples = []
            while len(samples) < conveyors:
                samples.extend(self.conveyors(seed, conveyors - len(samples)))
                seed += 1
            # Wide scenes take long to draw: each is seen about twice, the second time with other colours and turned.
            fresh = conveyors + (self.batch - conveyors + 1) // 2
            while len(samples) < fresh or (len(samples) < self.batch and not drawn):
                samples.append(scenes.wide(seed, self.side, self.side))
                drawn.append(samples[-1])
                seed += 1
            while len(samples) < self.batch:
                samples.append(scenes.varied(rng, *drawn.pop(int(rng.integers(len(drawn))))))
            del drawn[:-64]
            yield (
                torch.from_numpy(np.stack([p for p, _ in samples])).permute(0, 3, 1, 2).contiguous(),
                torch.from_numpy(np.stack([labels for _, labels in samples])),
            )

    def conveyors(self, seed, wanted):
        if self.side < 640:
            return scenes.conveyor_crops(seed, self.side, min(wanted, 3))
        rng = np.random.default_rng(seed)
        width, height = self.size(rng)
        rgb, labels = scenes.conveyor(seed, width, height, int(rng.integers(0, 2000)))
        if rng.random() < 0.4:
            rgb = scenes.degrade(rng, rgb)
        rgb, labels = scenes.letterboxed(rgb, labels, self.side)
        return [(rgb, scenes.relabel(labels))]

    def size(self, rng):
        """Square as the network's input, wide as most cameras, or any."""
        kind = rng.random()
        if kind < 0.6:
            return 640, 640
        return (1280, 720) if kind < 0.75 else tuple(int(v) for v in rng.integers(360, 900, 2))


def targets_of(labels):
    """Soft masks at a quarter of the size [B, M, S/4, S/4], boxes [B, M, 4] in pixels, which are real [B, M]."""
    count = max(1, min(MAX_INSTANCES, int(labels.max())))
    batch, side = labels.shape[0], labels.shape[1]
    masks = torch.zeros(batch, count, side // 4, side // 4)
    boxes = torch.zeros(batch, count, 4)
    real = torch.zeros(batch, count, dtype=torch.bool)
    for b in range(batch):
        n = min(count, int(labels[b].max()))
        if n == 0:
            continue
        full = labels[b][None] == torch.arange(1, n + 1, dtype=torch.uint8)[:, None, None]
        columns, rows = full.any(1).float(), full.any(2).float()
        ends = torch.arange(1, side + 1)
        boxes[b, :n, 0] = columns.argmax(1)
        boxes[b, :n, 1] = rows.argmax(1)
        boxes[b, :n, 2] = (columns * ends).amax(1)
        boxes[b, :n, 3] = (rows * ends).amax(1)
        masks[b, :n] = F.avg_pool2d(full.float()[:, None], 4)[:, 0]
        real[b, :n] = boxes[b, :n, 2] > 0
    return masks, boxes, real


def iou(a, b, complete=False):
    """IoU of boxes x0, y0, x1, y1 (broadcast); `complete` takes off for distance and shape (Zheng et al. 2020)."""
    overlap = (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2])).clamp(min=0).prod(-1)
    size_a, size_b = a[..., 2:] - a[..., :2], b[..., 2:] - b[..., :2]
    union = size_a.prod(-1) + size_b.prod(-1) - overlap + 1e-7
    result = overlap / union
    if not complete:
        return result
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    distance = ((a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) ** 2).sum(-1) / 4
    angle_a = torch.atan(size_a[..., 0] / (size_a[..., 1] + 1e-7))
    angle_b = torch.atan(size_b[..., 0] / (size_b[..., 1] + 1e-7))
    aspect = 4 / math.pi**2 * (angle_b - angle_a) ** 2
    with torch.no_grad():
        weight = aspect / (1 - result + aspect + 1e-7)
    return result - distance / (hull.pow(2).sum(-1) + 1e-7) - weight * aspect


@torch.no_grad()
def assign(scores, boxes, points, truth, real):
    """Task-aligned assignment (Feng et al. 2021): the truth of each anchor [B, A] (-1 for none) and its score."""
    inside = torch.cat((points - truth[:, :, None, :2], truth[:, :, None, 2:] - points), -1).amin(-1) > 0
    inside &= real[..., None]
    overlaps = iou(truth[:, :, None], boxes[:, None]) * inside
    metric = scores.sigmoid()[:, None].sqrt() * overlaps.pow(6)
    best, index = metric.topk(min(CANDIDATES, metric.shape[-1]), -1)
    chosen = torch.zeros_like(inside).scatter_(-1, index, best > 1e-9)
    chosen &= inside
    # An anchor that several objects want goes to the one it overlaps most.
    owner = (overlaps * chosen).argmax(1)
    taken = chosen.any(1)
    chosen &= F.one_hot(owner, truth.shape[1]).transpose(1, 2).bool()
    metric = metric * chosen
    peak = metric.amax(-1, keepdim=True)
    best_overlap = (overlaps * chosen).amax(-1, keepdim=True)
    target = (metric / (peak + 1e-9) * best_overlap).amax(1)
    return torch.where(taken, owner, -1), target * taken


def loss_of(outputs, labels):
    distances, scores, coefficients, proto = (t.float() for t in outputs)
    masks, truth, real = targets_of(labels)
    points, strides = anchor_points(*labels.shape[1:])
    boxes = to_boxes(distances, points, strides)
    owner, target = assign(scores.detach(), boxes.detach(), points, truth, real)
    total = target.sum().clamp(min=1)
    score_loss = F.binary_cross_entropy_with_logits(scores, target, reduction="sum") / total
    b, a = (owner >= 0).nonzero(as_tuple=True)
    if len(b) == 0:
        return score_loss, score_loss.detach(), score_loss * 0, score_loss * 0
    wanted = truth[b, owner[b, a]]
    weight = target[b, a]
    box_loss = ((1 - iou(boxes[b, a], wanted, True)) * weight).sum() / total
    keep = few_of_each(b * MAX_INSTANCES + owner[b, a], MASK_ANCHORS)
    b, a = b[keep], a[keep]
    mask_loss = mask_loss_of(coefficients, proto, masks, truth, owner, b, a)
    return 0.5 * score_loss + 3 * box_loss + 3 * mask_loss, score_loss.detach(), box_loss.detach(), mask_loss.detach()


def few_of_each(keys, most):
    """Random positions, at most `most` for each value of `keys`: masks are learned from a few anchors of an object."""
    counts, kept = {}, []
    for position in torch.randperm(len(keys)).tolist():
        key = int(keys[position])
        counts[key] = counts.get(key, 0) + 1
        if counts[key] <= most:
            kept.append(position)
    return torch.tensor(kept, dtype=torch.long)


def mask_loss_of(coefficients, proto, masks, truth, owner, b, a):
    """Cross entropy and Dice within the box, both per object."""
    total = 0.0
    height, width = proto.shape[2:]
    for image in range(proto.shape[0]):
        anchors = a[b == image]
        if len(anchors) == 0:
            continue
        instances = owner[image, anchors]
        logits = (coefficients[image, anchors] @ proto[image].flatten(1)).view(-1, height, width)
        wanted = masks[image, instances]
        box = truth[image, instances] / 4
        x = torch.arange(width) + 0.5
        y = torch.arange(height) + 0.5
        inside_x = (x > box[:, None, 0] - 0.5) & (x < box[:, None, 2] + 0.5)
        inside_y = (y > box[:, None, 1] - 0.5) & (y < box[:, None, 3] + 0.5)
        inside = (inside_y[:, :, None] & inside_x[:, None, :]).float()
        entropy = F.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * inside
        entropy = entropy.sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)
        probability = logits.sigmoid() * inside
        dice = 1 - (2 * (probability * wanted).sum((1, 2)) + 1) / (probability.sum((1, 2)) + wanted.sum((1, 2)) + 1)
        total = total + (entropy + dice).sum()
    return total / len(a)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True, help="checkpoint, read when it exists")
    parser.add_argument("--init", help="checkpoint or exported model whose weights to begin with")
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--side", type=int, default=320)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--decay", type=float, default=0.99, help="of the averaged weights, with --init")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.first_seed)
    network = Network().to(memory_format=torch.channels_last)
    average = Network()
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in network.parameters() if p.dim() > 1], "weight_decay": 0.03},
            {"params": [p for p in network.parameters() if p.dim() <= 1], "weight_decay": 0.0},
        ],
        lr=args.rate,
    )
    begin = 0
    if os.path.exists(args.out):
        state = torch.load(args.out)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["iteration"]
    elif args.init:
        state = {"average": read_weights(args.init)} if args.init.endswith(".onnx") else torch.load(args.init)
        network.load_state_dict(state["average"])
    if args.init:
        # Fine-tuning sees few pictures at a time: the statistics of the first training are better than theirs.
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    average.load_state_dict(state["average"] if begin or args.init else network.state_dict())
    # Pictures of one run never repeat: an iteration uses at most `batch` seeds.
    data = Scenes(args.first_seed + begin * args.batch, args.batch, args.side)
    batches = iter(torch.utils.data.DataLoader(data, batch_size=None, num_workers=1, prefetch_factor=4))
    shown, sums, count = time.time(), np.zeros(4), 0
    saved = time.time()
    for iteration in range(begin, args.iterations):
        warm = min(1.0, (iteration + 1) / 100)
        rate = args.rate * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * iteration / args.iterations)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        pictures, labels = next(batches)
        pictures = pictures.float().div_(255).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=args.bf16):
            outputs = network(pictures)
        losses = loss_of(outputs, labels)
        optimizer.zero_grad(set_to_none=True)
        losses[0].backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        with torch.no_grad():
            decay = min(0.998, (iteration + 1) / (iteration + 10)) if not args.init else args.decay
            for mean, value in zip(average.state_dict().values(), network.state_dict().values()):
                if mean.is_floating_point():
                    mean.lerp_(value.float(), 1 - decay)
                else:
                    mean.copy_(value)
        sums += [float(loss.detach()) for loss in losses]
        count += 1
        last = iteration + 1 == args.iterations
        if (iteration + 1) % 20 == 0 or last:
            spent = time.time() - shown
            total, score, box, mask = sums / count
            parts = f"score {score:.3f} box {box:.3f} mask {mask:.3f}"
            print(f"{iteration + 1} loss {total:.3f} {parts} rate {rate:.2e} {spent / count:.2f} s/it", flush=True)
            shown, sums, count = time.time(), np.zeros(4), 0
        if time.time() - saved > 120 or last:
            state = {
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "iteration": iteration + 1,
            }
            torch.save(state, args.out + ".part")
            os.replace(args.out + ".part", args.out)
            saved = time.time()


if __name__ == "__main__":
    main()
