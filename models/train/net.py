"""The edge's matting network: MobileNetV2 with folded batch norms, and a light decoder in the shape of a U.

The encoder has the layers of MobileNetV2 1.0 up to its 320 channels, as convolutions with a bias, so that weights from
a .tflite file, where the norms are folded in, can be put into it. Strided convolutions pad all four sides by one:
TensorFlow does that for odd sizes, for which the weights of DeepLab were trained.
"""
import torch
import torch.nn.functional as F
from torch import nn

import tflite

# Expansion, channels, repeats, stride of the first: the table of the MobileNetV2 paper.
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
# The photograph goes in as `(value / 255 - MEAN) / STD`: -1 to 1.
MEAN, STD = 0.5, 0.5


class Relu6(nn.Module):
    """ReLU6 that also learns in bfloat16, which torch's own does not."""

    def forward(self, x):
        return x.clamp(0, 6) if x.requires_grad else x.clamp_(0, 6)


class Block(nn.Module):
    """MobileNetV2's inverted residual without norms."""

    def __init__(self, inp, out, expansion, stride):
        super().__init__()
        hidden = inp * expansion
        layers = [] if expansion == 1 else [nn.Conv2d(inp, hidden, 1), Relu6()]
        layers += [nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden), Relu6(), nn.Conv2d(hidden, out, 1)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inp == out

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """Features at 1/2 (16 channels), 1/4 (24), 1/8 (32), 1/16 (96) and 1/32 (320). The first blocks never learn."""
    taps = (0, 2, 5, 12, 16)

    def __init__(self, frozen=3):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1), Relu6())
        blocks, inp = [], 32
        for expansion, out, repeats, stride in STAGES:
            for k in range(repeats):
                blocks.append(Block(inp, out, expansion, stride if k == 0 else 1))
                inp = out
        self.blocks = nn.ModuleList(blocks)
        self.frozen = frozen
        if frozen:
            for p in [*self.stem.parameters(), *self.blocks[:frozen].parameters()]:
                p.requires_grad_(False)

    def forward(self, x):
        features = []
        for k, block in enumerate(self.blocks):
            with torch.set_grad_enabled(torch.is_grad_enabled() and k >= self.frozen):
                x = block(self.stem(x) if k == 0 else x)
            if k in self.taps:
                features.append(x)
        return features


def conv(inp, out, kernel=1, groups=1):
    return nn.Sequential(nn.Conv2d(inp, out, kernel, 1, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(out),
                         nn.ReLU(inplace=True))


def separable(inp, out, kernel=3):
    return nn.Sequential(conv(inp, inp, kernel, inp), conv(inp, out))


def double(x):
    return F.interpolate(x, scale_factor=2.0, mode='bilinear', align_corners=False)


class Context(nn.Module):
    """What the whole picture says: wide kernels at 1/32, and a gate for each channel from the mean of all places."""

    def __init__(self, inp, out):
        super().__init__()
        self.enter = conv(inp, out)
        self.wide = nn.Sequential(separable(out, out, 5), separable(out, out, 5))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(inp, out // 2, 1), nn.ReLU(inplace=True),
                                  nn.Conv2d(out // 2, out, 1), nn.Sigmoid())

    def forward(self, x):
        y = self.enter(x)
        return (y + self.wide(y)) * self.gate(x)


class Up(nn.Module):
    """Doubles what comes from below and mixes it with the encoder's features of that size."""

    def __init__(self, below, side, out, kernel):
        super().__init__()
        self.mix = nn.Sequential(separable(below + side, out, kernel), separable(out, out))

    def forward(self, below, side):
        return self.mix(torch.cat([double(below), side], 1))


class Matte(nn.Module):
    """Logits of alpha for a batch of photographs whose sides are multiples of 32."""

    def __init__(self, frozen=3):
        super().__init__()
        self.encoder = Encoder(frozen)
        self.context = Context(320, 192)
        self.up4, self.up3 = Up(192, 96, 128, 5), Up(128, 32, 72, 5)
        self.up2, self.up1 = Up(72, 24, 24, 3), Up(24, 16, 16, 3)
        # One coarse logit for each four pixels, and what each of the four differs by.
        self.head = nn.Conv2d(16, 5, 3, padding=1)
        self.side4, self.side3 = nn.Conv2d(128, 1, 1), nn.Conv2d(72, 1, 1)

    def forward(self, x, sides=False):
        f1, f2, f3, f4, f5 = self.encoder(x)
        d4 = self.up4(self.context(f5), f4)
        d3 = self.up3(d4, f3)
        h = self.head(self.up1(self.up2(d3, f2), f1))
        out = double(h[:, :1]) + F.pixel_shuffle(h[:, 1:], 2)
        return (out, self.side3(d3), self.side4(d4)) if sides else out


def load_backbone(encoder, path):
    """Puts the weights of a MobileNetV2 .tflite file (ImageNet's or DeepLab's) into the encoder."""
    tensors, operators, *_ = tflite.read(path)
    found = [o for o in operators if o.code in (tflite.CONV, tflite.DEPTHWISE)]
    for layer, o in zip([m for m in encoder.modules() if isinstance(m, nn.Conv2d)], found):
        w, b = (torch.from_numpy(tensors[k].data) for k in o.inputs[1:3])
        # Convolutions lie as out, height, width, in; depthwise ones as 1, height, width, channels.
        w = w.permute(3, 0, 1, 2) if o.code == tflite.DEPTHWISE else w.permute(0, 3, 1, 2)
        if w.shape != layer.weight.shape:
            raise ValueError(f'{tensors[o.inputs[1]].name}: {tuple(w.shape)}, wanted {tuple(layer.weight.shape)}')
        with torch.no_grad():
            layer.weight.copy_(w)
            layer.bias.copy_(b)


if __name__ == '__main__':
    print({name: sum(p.numel() for p in part.parameters()) for name, part in Matte().named_children()},
          sum(p.numel() for p in Matte().parameters()))
