"""Event files of TensorBoard's own writer, for transforms/report/tensorboard; and a check
of files that the Go package wrote.

Run:      python tools/golden_events/golden_events.py write transforms/report/tensorboard/testdata/golden.tfevents
          python tools/golden_events/golden_events.py read FOLDER
Versions: tensorboard 2.21.0 (without TensorFlow), protobuf 7.36.2, Python 3.11

"write" makes the messages with TensorBoard's protocol buffers and RecordWriter:
the events that TestGolden describes. "read" loads a folder with EventAccumulator
and prints what it finds; TestForTensorBoard writes such a folder.
"""
import base64
import io
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

# 2x1 pixels, RGB.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGP4zwAE/wEHAAH/4iOeWQAAAABJRU5ErkJggg==")


def events():
    Value = summary_pb2.Summary.Value
    yield event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2")
    yield event_pb2.Event(wall_time=1700000001.25, step=41, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
    yield event_pb2.Event(wall_time=1700000002.25, step=41, summary=summary_pb2.Summary(value=[
        Value(tag="loss/source", simple_value=0.6931471805599453),
        Value(tag="loss/käse", simple_value=float("nan")),
    ]))
    yield event_pb2.Event(wall_time=1700000003.25, step=300, summary=summary_pb2.Summary(value=[
        Value(tag="predictions", image=summary_pb2.Summary.Image(height=1, width=2, colorspace=3, encoded_image_string=PNG)),
    ]))
    yield event_pb2.Event(wall_time=1700000003.5, step=300, summary=summary_pb2.Summary(value=[
        Value(tag="settings", tensor=tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape={}, string_val=['    {\n     "käse": 1\n    }'.encode()]),
              metadata=summary_pb2.SummaryMetadata(plugin_data={"plugin_name": "text"}, data_class=summary_pb2.DATA_CLASS_TENSOR)),
    ]))
    yield event_pb2.Event(wall_time=1700000004.25, step=-1, summary=summary_pb2.Summary(value=[Value(tag="a", simple_value=-0.0)]))


def write(path):
    with open(path, "wb") as f:
        w = RecordWriter(f)
        for e in events():
            w.write(e.SerializeToString(deterministic=True))


def read(folder):
    a = event_accumulator.EventAccumulator(folder, size_guidance=event_accumulator.STORE_EVERYTHING_SIZE_GUIDANCE)
    a.Reload()
    tags = a.Tags()
    print({k: v for k, v in tags.items() if v})
    for tag in tags["scalars"]:
        print(tag, [(e.step, e.value) for e in a.Scalars(tag)])
    from PIL import Image
    for tag in tags["images"]:
        for e in a.Images(tag):
            i = Image.open(io.BytesIO(e.encoded_image_string))
            i.load()
            print(tag, e.step, e.width, e.height, i.size, i.mode)
    for tag in tags["tensors"]:
        for e in a.Tensors(tag):
            print(tag, e.step, a.SummaryMetadata(tag).plugin_data.plugin_name, e.tensor_proto.string_val)


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](sys.argv[2])
