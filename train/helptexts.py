"""What `python -m train --help` says of each field of `TrainConfig`."""

from train.config import PARTS

HELP = {
    "data": "data folders or files",
    "out": "folder of the checkpoints",
    "logs": "folder of the TensorBoard log",
    "epochs": "passes over the data",
    "epoch_pictures": "most pictures that an epoch draws",
    "batch": "pictures a step, over all processes together",
    "learning_rate": "highest learning rate",
    "warmup": "share of the steps in which the learning rate rises",
    "clip_norm": "longest gradient",
    "ema": "decay of the running average of the weights, which is what is kept",
    "balance": "0: classes as the data lie; 1: every class drawn equally often",
    "doubt": "label smoothing of a set whose single labels often contradict each other, as expw=0.3",
    "teachers": "weights, or answers of a tutor, whose mean becomes part of the labels, "
    "and the label of pictures without one",
    "trust": "share of a set's labels that the teachers' answer makes up, as expw=0.5",
    "mix": "share of each data set in a batch, as ferplus=0.6,expw=0.4; as they lie by default",
    "rated": "how much oftener a picture with measured valence and arousal is drawn",
    "adjust": "strength of balanced softmax by set, as affect=1,ferplus=0.3; none by default",
    "behind": "share of painted-out surroundings that something is put behind",
    "ovals": "share of other pictures that get the oval of a masked one",
    "shapes": "teach faces without a label by their blendshapes: at rest Neutral, smiling Happy",
    "spoilt": "share of pictures that are blurred, darkened or covered besides being moved",
    "patience": "epochs without gain after which training stops",
    "sharpness": "how far uphill the gradients are taken (SAM), say 0.1; a step takes twice as long",
    "fix_early": "layers that stay as `distill` taught them: 3 spare an eighth of the time, 6 a third",
    "late": "teach only the later layers, on what the first make of this many pictures: a tenth of the time",
    "without": f"leave parts of the network out: {', '.join(PARTS)}",
    "save_minutes": "most minutes between two checkpoints; one also closes every epoch",
    "workers": "processes that prepare pictures",
    "precision": "auto, fp32 or bf16",
    "init": "weights to start from",
    "resume": "go on from the last checkpoint in --out, exactly to the step",
}
