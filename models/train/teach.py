"""The teacher as a process: IS-Net's ONNX graph run by torch in bfloat16, which takes a third of the time of 32 bits.

Usage: python3 models/train/teach.py models/pulled/isnet-1024.onnx 512

Reads squares from standard input (3 x SIZE x SIZE float32, as the model wants them) and answers each on standard output
with its matte (SIZE x SIZE bytes), until the input ends. One thread: start one for each processor.
"""

import sys

import numpy
import onnx
import torch
from onnx import numpy_helper
from torch.nn import functional

sys.setrecursionlimit(10_000)


class Graph:
    """The nodes that the output needs, in an order in which they can be run, for squares of any size."""

    def __init__(self, path: str) -> None:
        graph = onnx.load(path).graph
        self.input, self.output = graph.input[0].name, graph.output[0].name
        self.side = graph.input[0].type.tensor_type.shape.dim[2].dim_value
        self.makers = {name: node for node in graph.node for name in node.output}
        self.weights = {}
        for each in graph.initializer:
            weights = torch.from_numpy(numpy_helper.to_array(each).astype(numpy.float32)).bfloat16()
            is_kernel = weights.dim() == 4
            self.weights[each.name] = weights.contiguous(
                memory_format=torch.channels_last if is_kernel else torch.contiguous_format
            )
        self.order: list[onnx.NodeProto] = []
        self._visit(self.output, set())
        # A value is dropped after the last node that reads it.
        self.last = {name: node.name for node in self.order for name in self._values(node)}

    def _values(self, node: onnx.NodeProto) -> list[str]:
        """What a node reads, without weights and without the sizes of an enlargement."""
        names = node.input[:1] if node.op_type == "Resize" else node.input
        return [name for name in names if name not in self.weights]

    def _visit(self, name: str, done: set[str]) -> None:
        if name == self.input or name in done:
            return
        done.add(name)
        node = self.makers[name]
        for value in self._values(node):
            self._visit(value, done)
        self.order.append(node)

    def _scale(self, node: onnx.NodeProto) -> float:
        """What share of the input's side an enlargement has: its height and width are a constant in the graph."""
        constant = self.makers[self.makers[node.input[3]].input[1]]
        return float(numpy_helper.to_array(constant.attribute[0].t)[0]) / self.side

    def _apply(self, node: onnx.NodeProto, inputs: list[torch.Tensor], side: int) -> torch.Tensor:
        set_to = {each.name: list(each.ints) or each.i for each in node.attribute}
        match node.op_type:
            case "Conv":
                kernel, *bias = (self.weights[name] for name in node.input[1:])
                return functional.conv2d(
                    inputs[0], kernel, *(bias or [None]), set_to["strides"], set_to["pads"][:2], set_to["dilations"]
                )
            case "Relu":
                return functional.relu(inputs[0])
            case "Add":
                return inputs[0] + inputs[1]
            case "Concat":
                return torch.cat(inputs, 1)
            case "MaxPool":
                return functional.max_pool2d(inputs[0], set_to["kernel_shape"], set_to["strides"], ceil_mode=True)
            case "Resize":
                return functional.interpolate(inputs[0], (round(self._scale(node) * side),) * 2, mode="bilinear")
            case "Sigmoid":
                return torch.sigmoid(inputs[0].float())
            case "Cast":
                return inputs[0]
        raise ValueError(f"the graph has a {node.op_type}, which is not known here")

    def run(self, square: torch.Tensor) -> torch.Tensor:
        values = {self.input: square.bfloat16().contiguous(memory_format=torch.channels_last)}
        for node in self.order:
            names = self._values(node)
            values[node.output[0]] = self._apply(node, [values[name] for name in names], square.shape[-1])
            for name in set(names):
                if self.last[name] == node.name:
                    del values[name]
        return values[self.output]


def serve(path: str, size: int) -> None:
    graph = Graph(path)
    length = 3 * size * size * 4
    while len(frame := sys.stdin.buffer.read(length)) == length:
        square = torch.from_numpy(numpy.frombuffer(frame, numpy.float32).reshape(1, 3, size, size).copy())
        alpha = graph.run(square)[0, 0].numpy()
        sys.stdout.buffer.write((alpha * 255 + 0.5).clip(0, 255).astype(numpy.uint8).tobytes())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    serve(sys.argv[1], int(sys.argv[2]))
