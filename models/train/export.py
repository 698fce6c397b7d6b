"""Writes a checkpoint as ONNX: `input` 1 x 3 x SIZE x SIZE, `alpha` 1 x 1 x SIZE x SIZE, the sigmoid inside, weights in
half precision with a cast to float32, which the runtime does once, at load.

    python export.py CHECKPOINT.pt OUT.onnx [--size 320]
"""
import argparse
import hashlib
import os

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

import evaluate
import net


class Alpha(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return torch.sigmoid(self.model(x))


def halve(path, least=256):
    """Stores weights of `least` values or more as float16; values too large for it are an error."""
    model = onnx.load(path)
    graph, casts = model.graph, []
    for t in list(graph.initializer):
        values = numpy_helper.to_array(t)
        if values.dtype != np.float32 or values.size < least:
            continue
        half = values.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f'{t.name} does not fit float16')
        graph.initializer.remove(t)
        graph.initializer.append(numpy_helper.from_array(half, t.name + '_half'))
        casts.append(helper.make_node('Cast', [t.name + '_half'], [t.name], to=TensorProto.FLOAT))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', help='or `random`, to measure time and memory')
    parser.add_argument('out')
    parser.add_argument('--size', type=int, default=320)
    options = parser.parse_args()
    model = net.Matte().eval() if options.checkpoint == 'random' else evaluate.load(options.checkpoint)[0]
    alpha = Alpha(model.to(memory_format=torch.contiguous_format)).eval()
    torch.onnx.export(alpha, (torch.rand(1, 3, options.size, options.size),), options.out, input_names=['input'],
                      output_names=['alpha'], opset_version=17)
    halve(options.out)
    with open(options.out, 'rb') as f:
        print(options.out, os.path.getsize(options.out), 'bytes, sha256', hashlib.sha256(f.read()).hexdigest())
