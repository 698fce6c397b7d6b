"""Runs an .onnx file in torch: only the few operators that the mattes' networks have, only to measure them."""
import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper


def _conv(a, x, w, b=None):
    top, left, bottom, right = a.get('pads', [0] * 4)
    if (top, left) != (bottom, right):
        x, top, left = F.pad(x, (left, right, top, bottom)), 0, 0
    return F.conv2d(x, w, b, a.get('strides', 1), (top, left), a.get('dilations', 1), a.get('group', 1))


def _resize(a, x, roi=None, scales=None, sizes=None):
    places = a.get('coordinate_transformation_mode', b'half_pixel')
    if a['mode'] != b'linear' or places not in (b'half_pixel', b'pytorch_half_pixel'):
        raise ValueError('an unknown kind of Resize')
    size = sizes[2:] if sizes is not None else [x.shape[k] * scales[k] for k in (2, 3)]
    return F.interpolate(x, size=[int(n) for n in size], mode='bilinear', align_corners=False)


def _slice(a, x, starts, ends, axes, steps=None):
    for s, e, k in zip(starts.tolist(), ends.tolist(), axes.tolist()):
        e = min(e, x.shape[k])
        x = x.narrow(k, s, e - s)
    return x


def _reshape(a, x, shape):
    return x.reshape([x.shape[k] if n == 0 else n for k, n in enumerate(shape.tolist())])


def _pixels(a, x):
    return F.pixel_shuffle(x, a['blocksize'])


OPERATORS = {
    'Conv': _conv, 'Resize': _resize, 'Slice': _slice, 'Reshape': _reshape, 'DepthToSpace': _pixels,
    'Relu': lambda a, x: x.relu(), 'Sigmoid': lambda a, x: x.sigmoid(),
    'Clip': lambda a, x, low, high: x.clamp(low, high),
    'Add': lambda a, x, y: x + y, 'Mul': lambda a, x, y: x * y, 'Concat': lambda a, *x: torch.cat(x, a['axis']),
    'GlobalAveragePool': lambda a, x: x.mean((2, 3), keepdim=True), 'Identity': lambda a, x: x,
    'Cast': lambda a, x: x.float() if a['to'] == 1 else x, 'Transpose': lambda a, x: x.permute(a['perm']),
    'Constant': lambda a: torch.from_numpy(np.array(numpy_helper.to_array(a['value']))),
}


class Graph:
    """A callable like the network itself, but with the sigmoid inside, as it is in the file."""

    def __init__(self, path):
        self.graph = onnx.load(path).graph
        self.start = {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in self.graph.initializer}
        self.size = self.graph.input[0].type.tensor_type.shape.dim[2].dim_value

    def __call__(self, x):
        rows = [self._one(x[k:k + 1]) for k in range(len(x))]
        return torch.cat(rows)

    def _one(self, x):
        values = {**self.start, self.graph.input[0].name: x, '': None}
        for node in self.graph.node:
            a = {f.name: onnx.helper.get_attribute_value(f) for f in node.attribute}
            values[node.output[0]] = OPERATORS[node.op_type](a, *[values[n] for n in node.input])
        return values[self.graph.output[0].name]
