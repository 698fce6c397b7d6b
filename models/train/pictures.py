"""Batches for training, made on the fly: photographs with their mattes, cut-outs on grounds, grounds with nothing."""
import os
import random

import numpy as np
import torch
import torch.nn.functional as F

from effects import blur, chance, colour, degrade, made_ground, sign, soften, some, uniform
from store import Store, wanted

# How often a source is taken; its count matters by its square root. Of cut-outs, those from pairs have `pairs-` before.
PAIRS = {'davis': 1.3, 'coco-val': 1.3, 'flowers': 0.7, 'clothing': 0.7, 'grocery': 0.6, 'grocery-iconic': 0.5,
         'spree': 0.5, 'trash': 0.4, 'samples': 0.4}
CUTOUTS = {'fluent': 0.25, 'noto': 0.1, 'saleor': 0.5, 'solidus': 0.5, 'pairs-ccp': 0.5}


def weights(cache, store, table):
    names = [i[0] if there else None for i, there in zip(store.items, wanted(cache, store.kind, store.items))]
    count = {n: names.count(n) for n in set(names)}
    w = torch.tensor([table.get(n, 1.0) / count[n] ** 0.5 if n else 0.0 for n in names], dtype=torch.float64)
    return w / w.sum() if len(w) else w


def sample(arrays, theta, size, padding):
    """Pictures of one size, seen through one affine map each; colour times alpha where there is nothing around them."""
    x = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 255
    if padding == 'zeros':
        x = torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], 1)
    grid = F.affine_grid(theta, (len(x), x.shape[1], size, size), align_corners=False)
    return F.grid_sample(x, grid, mode='bilinear', padding_mode=padding, align_corners=False)


class Pictures:
    def __init__(self, cache):
        self.cache, folder = cache, os.path.join(cache, 'train', 'pack')
        self.pairs, self.cutouts, self.grounds = (Store(folder, k) for k in ('pairs', 'cutouts', 'grounds'))
        self.weigh()

    def weigh(self):
        self.pair_weights = weights(self.cache, self.pairs, PAIRS)
        self.cut_weights = weights(self.cache, self.cutouts, CUTOUTS)
        self.ground_weights = weights(self.cache, self.grounds, {})

    def refresh(self):
        for s in (self.pairs, self.cutouts, self.grounds):
            s.refresh()
        self.weigh()

    def real(self, n, size):
        """Pairs, cropped so that something of the subject stays in, turned a little, mirrored, recoloured."""
        picks = torch.multinomial(self.pair_weights, n, True).tolist()
        zoom = torch.where(torch.rand(n) < 0.7, torch.exp(uniform(n, -0.45, 0.12)), torch.exp(uniform(n, -0.95, -0.3)))
        ratio, angle, flip = torch.exp(uniform(n, -0.22, 0.22)), uniform(n, -0.12, 0.12), sign(n)
        c, s = torch.cos(angle), torch.sin(angle)
        zx, zy = zoom * ratio, zoom / ratio
        box = torch.tensor([self.pairs.items[k][2]['box'] for k in picks]) * 2 - 1
        # The crop's middle: anywhere in the subject's box, brought back so far that the crop stays in the photograph.
        t = torch.rand(n, 2) * 0.8 + 0.1
        # Half of the narrow crops are of its upper part, where people have their heads.
        t[:, 1] = torch.where((zoom < 0.65) & (torch.rand(n) < 0.5), uniform(n, 0.02, 0.3), t[:, 1])
        middle = box[:, :2] + (box[:, 2:] - box[:, :2]) * t
        room = (1 - torch.stack([zx, zy], 1)).clamp(min=0) + 0.04
        middle = torch.minimum(torch.maximum(middle, -room), room)
        rows = [torch.stack([flip * c * zx, -s * zx, middle[:, 0]], -1),
                torch.stack([flip * s * zy, c * zy, middle[:, 1]], -1)]
        x = sample([self.pairs.get(k) for k in picks], torch.stack(rows, 1), size, 'reflection')
        return colour(x[:, :3], 0.8), x[:, 3:]

    def photographed(self, n, size, clean, blurs):
        """Crops of grounds; unless they must be clean, some are photographs, blurred by a share of their size."""
        zoom, ratio, theta = uniform(n, 0.45, 1.0), torch.exp(uniform(n, -0.2, 0.2)), torch.zeros(n, 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = (zoom * ratio).clamp(max=1) * sign(n), (zoom / ratio).clamp(max=1)
        theta[:, 0, 2] = (1 - theta[:, 0, 0].abs()) * uniform(n, -1, 1)
        theta[:, 1, 2] = (1 - theta[:, 1, 1]) * uniform(n, -1, 1)
        few, share = min(1.0, len(self.grounds) / 150), 0.12 * len(blurs)
        other = torch.rand(n) < (0.0 if clean and few == 1 else share + (1 - share) * (1 - few))
        grounds = torch.multinomial(self.ground_weights, n, True).tolist() if len(self.grounds) else [0] * n
        pairs = torch.randint(0, len(self.pairs), (n,)).tolist()
        x = sample([self.pairs.get(p)[..., :3] if o else self.grounds.get(g) for p, g, o in zip(pairs, grounds, other)],
                   theta, size, 'border')
        k = random.choice((2, 3, 4, 6, 8, 12))
        x = some(x, 0.35, lambda y: blur(y, k) if k < 4 else soften(blur(y, k)))
        return torch.where(other.view(-1, 1, 1, 1), soften(blur(x, size // random.choice(blurs))), x)

    def ground(self, n, size, clean=False, blurs=(8,)):
        made = int((torch.rand(n) < 0.25).sum())
        x = [self.photographed(n - made, size, clean, blurs)] if n > made else []
        x += [made_ground(made, size)] if made else []
        return colour(torch.cat(x)[torch.randperm(n)])

    def place(self, n, low, high):
        """Where cut-outs go: maps from the picture to the cut-out. Some are cut by the lower border, some by a side."""
        scale, ratio, flip = uniform(n, low, high), torch.exp(uniform(n, -0.22, 0.22)), sign(n)
        angle = torch.where(torch.rand(n) < 0.75, uniform(n, -0.2, 0.2), uniform(n, -0.9, 0.9))
        c, s = torch.cos(angle), torch.sin(angle)
        free = (1 - scale).clamp(min=0.08) + 0.12
        x, y = uniform(n, -1, 1) * free, uniform(n, -1, 1) * free
        y = torch.where(torch.rand(n) < 0.22, 1 - scale + scale * uniform(n, 0.05, 0.7), y)
        x = torch.where(torch.rand(n) < 0.08, sign(n) * uniform(n, 0.6, 1.0), x)
        turn = torch.stack([torch.stack([flip * c / (scale * ratio), flip * s / (scale * ratio)], -1),
                            torch.stack([-s / scale * ratio, c / scale * ratio], -1)], 1)
        return torch.cat([turn, -turn @ torch.stack([x, y], -1)[..., None]], 2)

    def distant(self, x, size):
        """Small things out of focus on some of the grounds: behind a large sharp subject they are ground."""
        n = len(x)
        for _ in range(random.choice((0, 1, 2, 3))):
            cut = sample([self.cutouts.get(p) for p in torch.multinomial(self.cut_weights, n, True).tolist()],
                         self.place(n, 0.1, 0.3), size, 'zeros') * chance(n, 0.4)
            cut = soften(blur(cut, random.choice((2, 3, 4, 6))))
            x = cut[:, :3] + x * (1 - cut[:, 3:])
        return x

    def composed(self, n, size):
        """One to three cut-outs on a ground, lit a little like it, most with a soft shadow."""
        count = random.choices((1, 2, 3), (0.62, 0.27, 0.11))[0]
        # Behind a single subject, which is large, there may be others, as long as they are out of focus.
        x = self.distant(self.ground(n, size, blurs=(8, 16, 28)), size) if count == 1 else self.ground(n, size)
        a, mean = torch.zeros(n, 1, size, size), x.mean((2, 3), keepdim=True)
        for k in range(count):
            picks = torch.multinomial(self.cut_weights, n, True).tolist()
            theta = self.place(n, *((0.5, 1.3) if count == 1 else (0.35, 0.95)))
            cut = sample([self.cutouts.get(p) for p in picks], theta, size, 'zeros')
            cut = cut if k == 0 else cut * chance(n, 0.75)
            alpha = cut[:, 3:]
            rgb = colour((cut[:, :3] / alpha.clamp(min=2e-3)).clamp(0, 1))
            own = (rgb * alpha).sum((2, 3), keepdim=True) / alpha.sum((2, 3), keepdim=True).clamp(min=1)
            rgb = (rgb + chance(n, 0.35) * uniform(n, 0, 0.4, 1, 1, 1) * (mean - own)).clamp(0, 1)
            if random.random() < 0.3:
                alpha = some(alpha, 0.5, soften)
            if random.random() < 0.55:
                shadow = soften(blur(alpha, random.choice((4, 6, 8, 12))))
                down, right = random.randint(0, size // 8), random.randint(-size // 10, size // 10)
                shadow = torch.roll(shadow, (down, right), (2, 3))
                x = x * (1 - shadow * uniform(n, 0, 0.65, 1, 1, 1) * chance(n, 0.7))
            x = rgb * alpha + x * (1 - alpha)
            a = alpha + a * (1 - alpha)
        return x, a

    def batch(self, n, size, composed=0.36, empty=0.08):
        """Pictures and mattes; what share of which kind is drawn anew each time."""
        kind = torch.rand(n)
        count = [int((kind < composed).sum()), int((kind > 1 - empty).sum())]
        if not len(self.cutouts):
            count[0] = 0
        x, y = [], []
        if n > sum(count):
            real = self.real(n - sum(count), size)
            x, y = [real[0]], [real[1]]
        if count[0]:
            made = self.composed(count[0], size)
            x, y = x + [made[0]], y + [made[1]]
        if count[1]:
            x, y = x + [self.ground(count[1], size, True)], y + [torch.zeros(count[1], 1, size, size)]
        return degrade(torch.cat(x)).clamp(0, 1), torch.cat(y).clamp(0, 1)
