"""Writes the averaged weights of a checkpoint as ONNX, for one input size, with weights in half precision.

    python export.py build/demo.pt ../demo.onnx --height 640 --width 640
"""

import argparse
import io

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from network import NORM_EPSILON, Exported, Network, fuse

OPSET = 13


def to_half(model):
    """Stores the weights in half precision, each behind a Cast that runtimes fold away when they load the model."""
    casts = []
    for tensor in list(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 64:
            continue
        half = numpy_helper.from_array(values.astype(np.float16), tensor.name + ".half")
        model.graph.initializer.remove(tensor)
        model.graph.initializer.append(half)
        casts.append(helper.make_node("Cast", [half.name], [tensor.name], to=onnx.TensorProto.FLOAT))
    nodes = list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(casts + nodes)


def read_weights(path):
    """The weights of an exported model as a state of `Network`: its normalisations change nothing, since export folded
    them into the convolutions."""
    stored = {t.name.removesuffix(".half"): numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
    state = Network().state_dict()
    for name, value in state.items():
        if name.endswith("norm.weight"):
            value.fill_(1)
        elif name.endswith("norm.running_var"):
            value.fill_(1 - NORM_EPSILON)
        elif not name.endswith(("norm.running_mean", "norm.num_batches_tracked")):
            source = name.replace("norm.bias", "conv.bias")
            value.copy_(torch.from_numpy(stored[f"network.{source}"].astype(np.float32)))
    return state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checkpoint")
    parser.add_argument("out")
    parser.add_argument("--height", type=int, default=640)
    parser.add_argument("--width", type=int, default=640)
    args = parser.parse_args()
    if args.height % 32 or args.width % 32 or min(args.height, args.width) < 32:
        parser.error("--height and --width must be multiples of 32")
    network = Network()
    network.load_state_dict(torch.load(args.checkpoint)["average"])
    exported = Exported(fuse(network.eval()), args.height, args.width).eval()
    buffer = io.BytesIO()
    # The tracing exporter: it needs nothing but PyTorch, and the graph has no control flow.
    torch.onnx.export(
        exported,
        (torch.zeros(1, 3, args.height, args.width),),
        buffer,
        dynamo=False,
        opset_version=OPSET,
        input_names=["images"],
        output_names=["output0", "output1"],
    )
    model = onnx.load_from_string(buffer.getvalue())
    to_half(model)
    model.producer_name, model.producer_version = "fastsamd models/demo", ""
    names = {
        "names": "{0: 'object'}",
        "task": "segment",
        "stride": "32",
        "imgsz": f"[{args.height}, {args.width}]",
        "description": "fastsamd demo: class-agnostic instance segmentation, trained on generated scenes",
        "license": "Apache-2.0",
    }
    helper.set_model_props(model, names)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, args.out)
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{args.out}: {parameters} parameters, {len(model.SerializeToString())} bytes")


if __name__ == "__main__":
    main()
