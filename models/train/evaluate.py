"""Measures a checkpoint or an exported model on the sets of evalsets.py, and draws sheets to look at.

    python evaluate.py MODEL.onnx|CHECKPOINT.pt [--size 320] [--each] [--sheet OUT.png --photos 'FOLDER/*.jpg']

As the product does, the photograph is stretched to the square; mattes are compared at 288 x 288 px. For files whose
input is not -1 to 1 there is --normalise imagenet.
"""
import argparse
import glob
import os

import numpy as np
import torch
from PIL import Image

import metrics
import net
from evalsets import stem

AT = 288
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
OWN = ((net.MEAN,) * 3, (net.STD,) * 3)


def photograph(image, size):
    """The photograph as the network wants it but for mean and deviation: 3 x size x size, 0 to 1."""
    pixels = np.asarray(image.resize((size, size), Image.LANCZOS)).transpose(2, 0, 1)
    return torch.from_numpy(pixels.copy()).float() / 255


def load_sets(cache, size, every=None):
    """{set: (ids, photographs as bytes, references at 288 px or None)}; of some sets perhaps only each so many-th."""
    out = {}
    for name in ('ccp', 'u2net', 'davis', 'empty'):
        ids = sorted(stem(p) for p in glob.glob(os.path.join(cache, 'eval', name, '*.jpg')))
        ids = ids[::(every or {}).get(name, 1)]
        if not ids:
            continue
        photos, references = [], []
        for k in ids:
            path = os.path.join(cache, 'eval', name, k)
            photos.append((photograph(Image.open(path + '.jpg').convert('RGB'), size) * 255).byte())
            if os.path.exists(path + '.png'):
                y = Image.fromarray(np.asarray(Image.open(path + '.png').convert('L'), np.float32) / 255)
                references.append(np.asarray(y.resize((AT, AT), Image.BILINEAR)))
        out[name] = ids, torch.stack(photos), np.stack(references) if references else None
    return out


def predict(model, photos, normal=OWN, activation=torch.sigmoid, batch=4):
    """Mattes at 288 px of photographs given as bytes."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in normal)
    out = []
    with torch.no_grad():
        for k in range(0, len(photos), batch):
            x = ((photos[k:k + batch].float() / 255 - mean) / std).contiguous(memory_format=torch.channels_last)
            for a in activation(model(x).float()):
                out.append(np.asarray(Image.fromarray(a[0].numpy()).resize((AT, AT), Image.BILINEAR)))
    return np.stack(out)


def figures(model, sets, **how):
    """{set: its figures}; for the empty set the mean alpha and the worst picture's."""
    out = {}
    for name, (_, photos, references) in sets.items():
        p = predict(model, photos, **how)
        out[name] = metrics.summary(p, references) if references is not None else \
            {'mean': float(p.mean()), 'worst': float(p.mean((1, 2)).max())}
    return out


def line(results):
    return ' | '.join(name + ' ' + ' '.join(f'{k} {v:.4f}' for k, v in f.items()) for name, f in results.items())


def load(path, normalise=None):
    """(model, how to call it, its size or None) of an exported model or a checkpoint."""
    if path.endswith('.onnx'):
        from graph import Graph
        model = Graph(path)
        normal = IMAGENET if normalise == 'imagenet' else OWN
        return model, {'normal': normal, 'activation': lambda x: x}, model.size
    model = net.Matte()
    model.load_state_dict({k: v.float() for k, v in torch.load(path, map_location='cpu')['ema'].items()})
    return model.eval().to(memory_format=torch.channels_last), {}, None


def sheet(model, how, size, paths, out, cell=240, columns=3):
    """For each photograph: itself, its reference where there is one, its matte, and the cut-out on green."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in how.get('normal', OWN))
    rows = -(-len(paths) // columns)
    canvas = Image.new('RGB', (columns * 4 * cell, rows * cell), (40, 40, 40))
    for n, path in enumerate(paths):
        image = Image.open(path).convert('RGB')
        with torch.no_grad():
            a = how.get('activation', torch.sigmoid)(model((photograph(image, size)[None] - mean) / std))[0, 0].numpy()
        alpha = Image.fromarray((a * 255).round().astype(np.uint8)).resize(image.size, Image.BILINEAR)
        truth = Image.new('RGB', image.size, (40, 40, 40))
        if os.path.exists(path[:-4] + '.png'):
            truth = Image.open(path[:-4] + '.png').convert('RGB')
        cut = Image.composite(image, Image.new('RGB', image.size, (0, 190, 70)), alpha)
        k = (cell - 4) / max(image.size)
        small = [max(1, int(v * k)) for v in image.size]
        for j, part in enumerate((image, truth, alpha.convert('RGB'), cut)):
            canvas.paste(part.resize(small, Image.LANCZOS), ((n % columns * 4 + j) * cell, n // columns * cell))
    canvas.save(out)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model')
    parser.add_argument('--cache', default=os.path.join(os.path.dirname(__file__), 'cache'))
    parser.add_argument('--size', type=int, default=320)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--normalise', choices=('own', 'imagenet'), default='own')
    parser.add_argument('--each', action='store_true', help='the IoU of each picture, too')
    parser.add_argument('--sheet')
    parser.add_argument('--photos', default='', help='a pattern')
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model, how, size = load(options.model, options.normalise)
    size = size or options.size
    if options.sheet:
        sheet(model, how, size, sorted(glob.glob(options.photos)), options.sheet)
    else:
        sets = load_sets(options.cache, size)
        print(size, {name: len(s[0]) for name, s in sets.items()}, line(figures(model, sets, **how)))
        for name, (ids, photos, references) in sets.items() if options.each else ():
            p = predict(model, photos, **how)
            score = metrics.iou(p, references) if references is not None else 1 - p.mean((1, 2))
            print(name, ' '.join(f'{k} {v:.2f}' for v, k in sorted(zip(score, ids))))
