"""What is done to whole batches of pictures: N x 3 x height x width, values from 0 to 1."""
import math

import torch
import torch.nn.functional as F


def uniform(n, low, high, *shape):
    return torch.empty(n, *shape).uniform_(low, high)


def chance(n, p):
    return torch.rand(n, 1, 1, 1) < p


def sign(n):
    return torch.randint(0, 2, (n,)).float() * 2 - 1


def blur(x, k):
    """Cheap and strong: the mean of k x k pixels, and back up."""
    return F.interpolate(F.avg_pool2d(x, k, ceil_mode=True), size=x.shape[2:], mode='bilinear', align_corners=False)


def soften(x):
    return F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode='replicate'), 3, 1)


def colour(x, k=1.0):
    """Another contrast, brightness, saturation, tint and gamma for each picture."""
    n, mean = len(x), x.mean((2, 3), keepdim=True)
    x = (x - mean) * uniform(n, 1 - 0.35 * k, 1 + 0.3 * k, 1, 1, 1) + mean + uniform(n, -0.13 * k, 0.13 * k, 1, 1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(n, 1 - 0.6 * k, 1 + 0.45 * k, 1, 1, 1)
    x = x * (1 + uniform(n, -0.1 * k, 0.1 * k, 3, 1, 1))
    return x.clamp(1e-4, 1) ** torch.exp(uniform(n, -0.3 * k, 0.3 * k, 1, 1, 1))


_DCT = torch.tensor([[math.sqrt((1 if u == 0 else 2) / 8) * math.cos((2 * x + 1) * u * math.pi / 16) for x in range(8)]
                     for u in range(8)])
_KERNEL = torch.einsum('ux,vy->uvxy', _DCT, _DCT).reshape(64, 1, 8, 8)
_STEPS = (3 + torch.arange(8)[:, None] * 2.2 + torch.arange(8)[None] * 2.2).reshape(1, 64, 1, 1) / 255


def jpeg(x):
    """What JPEG loses, at a random quality: 8 x 8 cosines, rounded."""
    n, c, h, w = x.shape
    steps = _STEPS * torch.exp(uniform(n, -0.7, 1.6)).repeat_interleave(c).view(-1, 1, 1, 1)
    y = F.conv2d(x.reshape(n * c, 1, h, w), _KERNEL, stride=8)
    return F.conv_transpose2d((y / steps).round() * steps, _KERNEL, stride=8).reshape(n, c, h, w).clamp(0, 1)


def some(x, p, change):
    """Changes each picture with the chance p."""
    at = torch.nonzero(torch.rand(len(x)) < p).flatten()
    if len(at):
        x = x.clone()
        x[at] = change(x[at])
    return x


def degrade(x):
    """Blur, noise and JPEG, each on some of the pictures."""
    x = some(x, 0.18, soften)
    x = some(x, 0.1, lambda y: blur(y, 2))
    x = some(x, 0.25, lambda y: (y + torch.randn_like(y) * uniform(len(y), 0.005, 0.05, 1, 1, 1)).clamp(0, 1))
    x = some(x, 0.06, lambda y: y.mean(1, keepdim=True).expand_as(y))
    return some(x, 0.3, jpeg)


def made_ground(n, size):
    """Grounds that no camera saw: cloudy noise, slopes of two colours, studio sweeps, plain ones."""
    y, strength = torch.zeros(n, 3, size, size), 1.0
    for q in (2, 4, 8, 16, 32, 64):
        noise = torch.randn(n, 3, q, q) * uniform(n, 0.1, 1.0, 1, 1, 1)
        y += strength * F.interpolate(noise, size=(size, size), mode='bilinear', align_corners=False)
        strength *= float(torch.empty(1).uniform_(0.25, 0.8))
    grey = y.mean(1, keepdim=True)
    y = (grey + (y - grey) * uniform(n, 0, 1, 1, 1, 1)) * 0.22 + uniform(n, 0.1, 0.9, 3, 1, 1)
    down, right = torch.meshgrid(torch.linspace(-1, 1, size), torch.linspace(-1, 1, size), indexing='ij')
    angle = uniform(n, 0, 2 * math.pi, 1, 1, 1)
    along = (right * torch.cos(angle) + down * torch.sin(angle)) * uniform(n, 0.3, 1.0, 1, 1, 1)
    slope = (along * 0.5 + 0.5).clamp(0, 1)
    sweep = torch.sigmoid((down - uniform(n, -0.3, 0.8, 1, 1, 1)) * uniform(n, 2, 40, 1, 1, 1))
    slope = torch.where(chance(n, 0.35), sweep, slope)
    one = uniform(n, 0, 1, 3, 1, 1)
    near_grey = one.mean(1, keepdim=True) + uniform(n, -0.04, 0.04, 3, 1, 1)
    one = torch.where(chance(n, 0.6), near_grey, one)
    one = torch.where(chance(n, 0.35), 1 - 0.1 * one, one)
    other = one + uniform(n, -0.35, 0.35, 3, 1, 1) * chance(n, 0.5) + uniform(n, -0.2, 0.2, 1, 1, 1)
    y = torch.where(chance(n, 0.65), one + (other.clamp(0, 1) - one) * slope, y)
    return torch.where(chance(n, 0.2), one.expand(n, 3, size, size), y).clamp(0, 1)
