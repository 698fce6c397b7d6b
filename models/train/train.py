"""Trains the edge's matting network; goes on where it was when it is started again with the same folder.

    python train.py RUN --backbone MODEL.tflite --seconds 5400 [--cache CACHE] [--init CHECKPOINT]

RUN is a folder: `state.pt` (all that is needed to go on), `ema.pt` (the averaged weights in half precision: what is
exported) and `log.txt`. Two processes of one thread each, whose gradients are averaged at every step: on two cores that
others use, too, it is faster than one process of two threads. The schedule follows the clock, so a run comes close to
another, not bit by bit.
"""
import argparse
import math
import os
import random
import time

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
import torch.nn.functional as F

import evaluate
import net
import store
from pictures import Pictures


def options():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('run')
    p.add_argument('--cache', default=os.path.join(os.path.dirname(__file__), 'cache'))
    p.add_argument('--backbone', help='.tflite with the encoder to start from')
    p.add_argument('--init', help='a checkpoint (ema.pt) to start from')
    p.add_argument('--seconds', type=float, required=True, help='of training, over all starts')
    p.add_argument('--sizes', default='224:.3,256:.65,320:1', help='sizes, each with the share of time where it ends')
    p.add_argument('--batch', type=int, default=8, help='pictures a step for each process')
    p.add_argument('--rate', type=float, default=2e-3)
    p.add_argument('--encoder-rate', type=float, default=0.2, help="the encoder's share of the rate")
    p.add_argument('--average', type=float, default=0.998)
    p.add_argument('--composed', type=float, default=0.36)
    p.add_argument('--empty', type=float, default=0.08)
    p.add_argument('--every', type=float, default=300, help='seconds between evaluations, when new data are packed')
    p.add_argument('--world', type=int, default=2)
    p.add_argument('--seed', type=int, default=11)
    p.add_argument('--bench', type=int, default=0, help='stop after so many steps and say how fast it was')
    return p.parse_args()


def detail(x):
    return x - F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)


def overlap(p, y, floor):
    """Soft IoU of each picture, steadied by `floor` pixels for mattes that are empty."""
    both = (p * y).flatten(1).sum(1)
    return (both + floor) / ((p + y - p * y).flatten(1).sum(1) + floor)


def loss(out, side3, side4, y):
    """Cross entropy and the Laplacian, five times as heavy at edges, soft IoU, and both sides at their own size."""
    out = out.float()
    p, edges = torch.sigmoid(out), detail(y)
    w = 1 + 4 * (edges.abs() * 2).clamp(max=1)
    total = (F.binary_cross_entropy_with_logits(out, y, reduction='none') * w).sum() / w.sum()
    total = total + 1 - overlap(p, y, 20).mean() + 1.5 * ((detail(p) - edges).abs() * w).mean()
    for side in (side3.float(), side4.float()):
        z = F.adaptive_avg_pool2d(y, side.shape[2:])
        rough = F.binary_cross_entropy_with_logits(side, z) + 1 - overlap(torch.sigmoid(side), z, 1).mean()
        total = total + 0.25 * rough
    return total


def groups(model, a):
    """The encoder learns more slowly; biases and norms do not decay."""
    kinds = {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            kinds.setdefault((name.startswith('encoder'), p.ndim > 1), []).append(p)
    return [{'params': ps, 'weight_decay': 0.02 if decays else 0.0, 'share': a.encoder_rate if encoder else 1.0}
            for (encoder, decays), ps in sorted(kinds.items())]


class Averaged:
    """A copy whose weights follow the model's slowly."""

    def __init__(self, model, frozen):
        self.model = net.Matte(frozen).to(memory_format=torch.channels_last)
        self.model.load_state_dict(model.state_dict())
        both = zip(self.model.state_dict().values(), model.state_dict().values())
        self.pairs = [(a, b) for a, b in both if a.is_floating_point()]

    def follow(self, keep):
        with torch.no_grad():
            for a, b in self.pairs:
                a.lerp_(b, 1 - keep)


def average_gradients(parameters, world):
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).reshape(-1) for p in parameters])
    dist.all_reduce(flat)
    flat /= world
    at = 0
    for p in parameters:
        p.grad = flat[at:at + p.numel()].view_as(p)
        at += p.numel()


def save(path, content):
    torch.save(content, path + '.tmp')
    os.replace(path + '.tmp', path)


def work(rank, a):
    meeting = f'file://{os.path.abspath(a.run)}/meeting'
    dist.init_process_group('gloo', init_method=meeting, rank=rank, world_size=a.world)
    torch.set_num_threads(1)
    state_path = os.path.join(a.run, 'state.pt')
    model = net.Matte().to(memory_format=torch.channels_last)
    torch.manual_seed(a.seed)
    if a.backbone:
        net.load_backbone(model.encoder, a.backbone)
    if a.init:
        model.load_state_dict({k: v.float() for k, v in torch.load(a.init)['ema'].items()})
    for t in model.state_dict().values():
        dist.broadcast(t, 0)
    ema = Averaged(model, model.encoder.frozen)
    optimizer = torch.optim.AdamW(groups(model, a), a.rate, betas=(0.9, 0.99))
    step = seen = 0
    used = 0.0
    if os.path.exists(state_path):
        s = torch.load(state_path)
        model.load_state_dict(s['model'])
        ema.model.load_state_dict(s['average'])
        optimizer.load_state_dict(s['optimizer'])
        step, seen, used = s['step'], s['seen'], s['used']
    for seeded in (torch.manual_seed, random.seed, np.random.seed):
        seeded(a.seed + 1000 * rank + step)
    pack = os.path.join(a.cache, 'train', 'pack')
    if rank == 0:
        store.pack(a.cache, pack)
    dist.barrier()
    pictures = Pictures(a.cache)
    sets = evaluate.load_sets(a.cache, 320, every={'ccp': 4, 'empty': 2}) if rank == 0 else None
    sizes = [(int(s.split(':')[0]), float(s.split(':')[1])) for s in a.sizes.split(',')]
    parameters = [p for p in model.parameters() if p.requires_grad]

    def say(text):
        if rank == 0:
            text = time.strftime('%H:%M:%S ', time.gmtime()) + text
            print(text, flush=True)
            with open(os.path.join(a.run, 'log.txt'), 'a') as f:
                f.write(text + '\n')

    def pause(spent):
        """The first process measures and saves; the second packs what is new."""
        if rank == 0:
            save(state_path, {'model': model.state_dict(), 'average': ema.model.state_dict(),
                              'optimizer': optimizer.state_dict(), 'step': step, 'seen': seen, 'used': spent})
            half = {k: v.half() if v.is_floating_point() else v for k, v in ema.model.state_dict().items()}
            save(os.path.join(a.run, 'ema.pt'), {'ema': half, 'seen': seen, 'seconds': spent})
            ema.model.eval()
            say(f'{spent:.0f} s step {step} seen {seen} size {size} loss {np.mean(losses[-200:]):.4f} '
                f'pairs {len(pictures.pairs)} cutouts {len(pictures.cutouts)} grounds {len(pictures.grounds)}')
            say(evaluate.line(evaluate.figures(ema.model, sets)))
        if rank == a.world - 1:
            store.pack(a.cache, pack)
        dist.barrier()
        pictures.refresh()

    say(f'starts at step {step}: {vars(a)}')
    start = last = time.time()
    losses, making, size, fraction = [], 0.0, sizes[0][0], used / a.seconds
    while fraction < 1:
        rate = a.rate * min(1, (step + 1) / 200) * (0.5 * (1 + math.cos(math.pi * fraction)) + 0.01)
        for g in optimizer.param_groups:
            g['lr'] = rate * g['share']
        size = next(s for s, end in sizes if fraction < end or end == sizes[-1][1])
        began = time.time()
        x, y = pictures.batch(a.batch, size, a.composed, a.empty)
        x = ((x - net.MEAN) / net.STD).contiguous(memory_format=torch.channels_last)
        making += time.time() - began
        with torch.autocast('cpu', torch.bfloat16):
            out = model(x, True)
        value = loss(*out, y)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        average_gradients(parameters, a.world)
        if torch.isfinite(torch.nn.utils.clip_grad_norm_(parameters, 3.0)):
            optimizer.step()
        step += 1
        seen += a.batch * a.world
        losses.append(value.item())
        ema.follow(min(a.average, (1 + step) / (20 + step)))
        if a.bench and len(losses) == a.bench:
            took = time.time() - start
            say(f'{a.batch * a.world * a.bench / took:.1f} pictures a second, making {making / took:.0%}')
            os._exit(0)
        now = time.time()
        # The first process's clock rules.
        clock = torch.tensor([used + now - start, float(now - last > a.every)], dtype=torch.float64)
        dist.broadcast(clock, 0)
        fraction = clock[0].item() / a.seconds
        if clock[1].item() or fraction >= 1:
            pause(clock[0].item())
            last = time.time()


if __name__ == '__main__':
    # Large blocks stay with the process; otherwise the kernel clears them anew at each step.
    os.environ.update(MALLOC_TRIM_THRESHOLD_=str(10 ** 11), MALLOC_MMAP_THRESHOLD_=str(10 ** 11), OMP_NUM_THREADS='1')
    a = options()
    os.makedirs(a.run, exist_ok=True)
    if os.path.exists(os.path.join(a.run, 'meeting')):
        os.remove(os.path.join(a.run, 'meeting'))
    mp.spawn(work, (a,), a.world)
