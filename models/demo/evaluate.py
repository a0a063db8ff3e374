"""Measures an ONNX model with the product itself: "fastsamd segment" on held-out pictures, COCO's metrics on its masks.

    python evaluate.py ../demo.onnx --conveyor 200 --wide 200 [--coco DIR with instances.json and images/]

Class-agnostic, at most 100 objects a picture, score above 0.001, NMS at IoU 0.7, no border snap unless --snap says so.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

import scenes

FASTSAMD = Path(__file__).resolve().parents[2] / "bin" / "fastsamd"


def generated(kind, count, size, folder):
    """Held-out pictures in `folder`, and their truth in COCO's form."""
    images, annotations = [], []
    for number in range(count):
        seed = scenes.HELD_OUT + number
        if kind == "conveyor":
            rgb, labels = scenes.conveyor(seed, *size, index=13 * number)
        else:
            rgb, labels = scenes.wide(seed, *size)
        name = f"{kind}-{number:05}.png"
        cv2.imwrite(str(folder / name), rgb[..., ::-1])
        images.append({"id": number + 1, "file_name": name, "width": size[0], "height": size[1]})
        for label in range(1, int(labels.max()) + 1):
            mask = np.asfortranarray(labels == label).astype(np.uint8)
            rle = coco_mask.encode(mask)
            rle_text = {"size": rle["size"], "counts": rle["counts"].decode()}
            box = coco_mask.toBbox(rle).tolist()
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": 1,
                    "iscrowd": 0,
                    "area": int(mask.sum()),
                    "bbox": box,
                    "segmentation": rle_text,
                }
            )
    return images, annotations


def photographs(folder):
    truth = json.loads((folder / "instances.json").read_text())
    for annotation in truth["annotations"]:
        annotation["category_id"] = 1
    return truth["images"], truth["annotations"]


def segment(model, folder, images, args):
    """Results of the product in COCO's form."""
    by_name = {image["file_name"]: image["id"] for image in images}
    names = sorted(by_name)
    results = []
    for begin in range(0, len(names), 100):
        paths = [str(folder / name) for name in names[begin : begin + 100]]
        command = [str(FASTSAMD), "segment", *paths, "--model", model, "--json", "--conf", "0.001"]
        command += ["--iou", str(args.iou), "--max-det", "100", "--snap-to-border", str(args.snap)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        for line in done.stdout.splitlines():
            message = json.loads(line)
            image = by_name[Path(message["frame"]["source"]).name]
            for item in message["objects"]:
                results.append(
                    {"image_id": image, "category_id": 1, "segmentation": item["mask"], "score": item["score"]}
                )
    return results


def measure(images, annotations, results):
    truth = COCO()
    truth.dataset = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(results), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    ap, ap50, ap75 = evaluation.stats[:3]
    return {"AR@100": evaluation.stats[8], "AR@10": evaluation.stats[7], "AP": ap, "AP50": ap50, "AP75": ap75}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--conveyor", type=int, default=0, help="number of pictures")
    parser.add_argument("--wide", type=int, default=0, help="number of pictures")
    parser.add_argument("--coco", type=Path)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 640), metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--iou", type=float, default=0.7)
    parser.add_argument("--snap", type=int, default=0)
    args = parser.parse_args()
    lines = []
    for kind in ("conveyor", "wide", "coco"):
        with tempfile.TemporaryDirectory() as temporary:
            if kind == "coco" and args.coco:
                folder, (images, annotations) = args.coco / "images", photographs(args.coco)
            elif kind != "coco" and getattr(args, kind):
                folder = Path(temporary)
                images, annotations = generated(kind, getattr(args, kind), tuple(args.size), folder)
            else:
                continue
            found = measure(images, annotations, segment(args.model, folder, images, args))
            values = "  ".join(f"{name} {value:.3f}" for name, value in found.items())
            lines.append(f"{kind}: {len(images)} pictures, {len(annotations)} objects: {values}")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
