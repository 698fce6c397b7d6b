"""Reads the weights of a .tflite file as float32 arrays.

A .tflite file is a flatbuffer. Only the few fields that are needed are read here, by their number in TensorFlow's
`schema.fbs`; nothing but numpy and the flatbuffers package is wanted.
"""
import sys
from dataclasses import dataclass

import numpy as np
from flatbuffers import encode, number_types as N
from flatbuffers.table import Table

TYPES = {0: np.float32, 1: np.float16, 2: np.int32, 3: np.uint8, 4: np.int64, 9: np.int8}
CONV, DEPTHWISE, ADD = 3, 4, 0
NAMES = {0: 'add', 1: 'average pool', 2: 'concat', 3: 'conv', 4: 'depthwise', 22: 'reshape', 23: 'resize',
         25: 'softmax', 40: 'mean', 56: 'argmax', 114: 'quantise'}


@dataclass
class Tensor:
    """One tensor: its name and shape, and its values, dequantised, where the file has any."""
    name: str
    shape: tuple
    scale: np.ndarray
    zero: np.ndarray
    data: np.ndarray | None


@dataclass
class Operator:
    code: int
    inputs: list
    outputs: list
    options: dict


def _field(table, number):
    return table.Offset(4 + 2 * number)


def _scalar(table, number, kind, default=0):
    at = _field(table, number)
    return table.Get(kind, at + table.Pos) if at else default


def _tables(table, number):
    at = _field(table, number)
    if not at:
        return []
    start = table.Vector(at)
    return [Table(table.Bytes, table.Indirect(start + 4 * k)) for k in range(table.VectorLen(at))]


def _vector(table, number, dtype):
    at = _field(table, number)
    if not at:
        return np.zeros(0, dtype)
    return np.frombuffer(table.Bytes, dtype, table.VectorLen(at), table.Vector(at))


def _values(raw, shape, kind, scale, zero, axis):
    """The tensor's numbers: `(q - zero) * scale`, where scale and zero may be one for each channel along `axis`."""
    if not len(raw):
        return None
    q = raw.view(TYPES[kind]).reshape(shape)
    if kind in (0, 1) or not len(scale):
        return q.astype(np.float32)
    along = [1] * len(shape)
    if len(scale) > 1:
        along[axis] = len(scale)
    return ((q.astype(np.float64) - zero.reshape(along)) * scale.reshape(along)).astype(np.float32)


def _tensor(table, buffers):
    shape = tuple(int(n) for n in _vector(table, 0, np.int32))
    name = table.String(_field(table, 3) + table.Pos).decode()
    at = _field(table, 4)
    scale, zero, axis = np.zeros(0), np.zeros(0), 0
    if at:
        q = Table(table.Bytes, table.Indirect(table.Pos + at))
        scale, zero = _vector(q, 2, np.float32).astype(np.float64), _vector(q, 3, np.int64).astype(np.float64)
        axis = _scalar(q, 6, N.Int32Flags)
    raw = _vector(buffers[_scalar(table, 2, N.Uint32Flags)], 0, np.uint8)
    return Tensor(name, shape, scale, zero, _values(raw, shape, _scalar(table, 1, N.Int8Flags), scale, zero, axis))


def _operator(table, codes):
    code = codes[_scalar(table, 0, N.Uint32Flags)]
    options, at = {}, _field(table, 4)
    if at and code in (CONV, DEPTHWISE):
        o = Table(table.Bytes, table.Indirect(table.Pos + at))
        conv = code == CONV
        options = {
            'padding': 'SAME' if _scalar(o, 0, N.Int8Flags) == 0 else 'VALID',
            'stride': _scalar(o, 1, N.Int32Flags),
            'activation': _scalar(o, 3 if conv else 4, N.Int8Flags),
            'dilation': _scalar(o, 4 if conv else 5, N.Int32Flags, 1),
        }
    ints = [[int(k) for k in _vector(table, n, np.int32)] for n in (1, 2)]
    return Operator(code, *ints, options)


def read(path):
    """(tensors, operators in the order in which they run, numbers of the inputs, numbers of the outputs)"""
    data = bytearray(open(path, 'rb').read())
    if data[4:8] != b'TFL3':
        raise ValueError(f'{path} is not a .tflite file')
    model = Table(data, encode.Get(N.UOffsetTFlags.packer_type, data, 0))
    codes = [max(_scalar(t, 0, N.Int8Flags), _scalar(t, 3, N.Int32Flags)) for t in _tables(model, 1)]
    graph = _tables(model, 2)[0]
    buffers = _tables(model, 4)
    tensors = [_tensor(t, buffers) for t in _tables(graph, 0)]
    operators = [_operator(t, codes) for t in _tables(graph, 3)]
    return tensors, operators, _vector(graph, 1, np.int32), _vector(graph, 2, np.int32)


if __name__ == '__main__':
    tensors, operators, *ends = read(sys.argv[1])
    for o in operators:
        shapes = ' '.join(str(tensors[k].shape) for k in o.inputs + o.outputs if k >= 0)
        print(NAMES.get(o.code, o.code), shapes, o.options or '', tensors[o.outputs[0]].name)
    print(*ends, [tensors[k].scale for k in ends[0]])
