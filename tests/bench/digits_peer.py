"""The nets of scripts/examples/digits.lua in PyTorch: digits_peer.py NET FOLDER SEEDS, FOLDER with train_x.npy, train_y.npy, test_x.npy, test_y.npy."""
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH = 64


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        b, n, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).reshape(b, n, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, w))
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class ViT(nn.Module):
    def __init__(self, width=32, depth=2, heads=4, hidden=64, rows=17):
        super().__init__()
        self.patches = nn.Conv2d(1, width, 2, stride=2)
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(rows, width))
        self.blocks = nn.Sequential(*(Block(width, heads, hidden) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        h = self.patches(x).flatten(2).transpose(1, 2)
        h = torch.cat([self.cls.expand(len(h), -1, -1), h], 1) + self.positions
        return self.head(self.norm(self.blocks(h))[:, 0])


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))


NETS = {"mlp": (mlp, 60, 3e-3), "cnn": (cnn, 30, 3e-3), "vit": (ViT, 60, 2e-3)}


def train(make, epochs, rate, data, seed):
    torch.manual_seed(seed)
    net, per_epoch = make(), len(data["train_y"]) // BATCH
    optimizer, steps = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.01), epochs * per_epoch
    for step in range(steps):
        if step % per_epoch == 0:
            order = torch.randperm(len(data["train_y"]))
        for group in optimizer.param_groups:
            group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        index = order[step % per_epoch * BATCH:][:BATCH]
        optimizer.zero_grad()
        F.cross_entropy(net(data["train_x"][index]), data["train_y"][index]).backward()
        optimizer.step()
    with torch.no_grad():
        return 100 * (net(data["test_x"]).argmax(1) == data["test_y"]).float().mean().item()


def main():
    name, path, seeds = sys.argv[1:4]
    torch.set_num_threads(1)
    data = {key: torch.from_numpy(np.load(f"{path}/{key}.npy")) for key in ("train_x", "train_y", "test_x", "test_y")}
    for seed in range(1, int(seeds) + 1):
        print(f"{name}  seed {seed}  {train(*NETS[name], data, seed):.2f} % of {len(data['test_y'])} digits right", flush=True)


if __name__ == "__main__":
    main()
