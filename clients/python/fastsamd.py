"""Results and prompts of fastsamd nodes over MQTT.

Needs paho-mqtt (1.6 or 2) and, for masks, numpy:

    from fastsamd import Node, to_mask

    with Node("line-3", host="broker.local") as node:
        node.request("prompt/set", camera="belt", prompts=[{"type": "box", "box": [90, 40, 300, 420], "id": "station"}])
        for result in node.results("belt"):
            for found in result["objects"]:
                print(result["seq"], found["prompts"], found["score"], to_mask(found["mask"]).sum())
"""

import json
import queue
import threading
import uuid

import paho.mqtt.client as mqtt

__all__ = ["Node", "RequestError", "to_mask"]

#: Results that wait for the program; the oldest ones are dropped.
MAX_WAITING = 100


class RequestError(Exception):
    """A node's refusal. `code` is that of the answer, such as PROMPT_INVALID."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Node:
    """One node behind a broker. A context manager; thread-safe."""

    def __init__(self, node, host="127.0.0.1", port=1883, username=None, password=None, prefix="fastsam/v1", tls=False, ca_file=None):
        self._base = f"{prefix}/{node}"
        self._address = (host, port)
        self._answers = {}
        self._queues = {}
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._refused = None
        version = getattr(mqtt, "CallbackAPIVersion", None)
        self._client = mqtt.Client(version.VERSION2) if version else mqtt.Client()
        if username is not None:
            self._client.username_pw_set(username, password)
        if tls or ca_file is not None:
            self._client.tls_set(ca_certs=ca_file)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def __enter__(self):
        self._client.connect(*self._address)
        self._client.loop_start()
        if not self._ready.wait(10) or self._refused:
            self.close()
            raise ConnectionError(self._refused or f"{self._address[0]}:{self._address[1]} did not answer within 10 s")
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connection, and every iteration over results."""
        with self._lock:
            waiting = [each for queues in self._queues.values() for each in queues]
        for each in waiting:
            _put(each, None)
        self._client.disconnect()
        self._client.loop_stop()

    def results(self, camera, timeout=None):
        """Yields the results of `camera` as they come, without end.

        Raises TimeoutError when none comes within `timeout` seconds. A program that is slower than the camera gets the
        newest MAX_WAITING results; gaps in `seq` tell what it missed.
        """
        topic = f"{self._base}/cameras/{camera}/result"
        waiting = queue.Queue(MAX_WAITING)
        with self._lock:
            self._queues.setdefault(topic, []).append(waiting)
        self._client.subscribe(topic)
        try:
            while True:
                try:
                    result = waiting.get(timeout=timeout)
                except queue.Empty:
                    raise TimeoutError(f"{topic}: no result within {timeout} s") from None
                if result is None:
                    return
                yield result
        finally:
            self._forget(topic, waiting)

    def _forget(self, topic, waiting):
        with self._lock:
            left = [each for each in self._queues[topic] if each is not waiting]
            if left:
                self._queues[topic] = left
                return
            del self._queues[topic]
        self._client.unsubscribe(topic)

    def request(self, verb, timeout=10, **payload):
        """Sends a request such as `prompt/set` and returns its answer.

        Raises RequestError when the node refuses it, TimeoutError when it does not answer within `timeout` seconds.
        """
        request_id = uuid.uuid4().hex
        answer = queue.Queue(1)
        self._answers[request_id] = answer
        try:
            self._client.publish(f"{self._base}/request/{verb}", json.dumps({"id": request_id, **payload}), qos=1)
            reply = answer.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"{verb}: no answer within {timeout} s") from None
        finally:
            del self._answers[request_id]
        if reply.get("status") != "ok":
            raise RequestError(reply.get("code"), reply.get("error"))
        return reply

    def _on_connect(self, client, _userdata, _flags, reason, *_):
        if getattr(reason, "is_failure", reason != 0):
            self._refused = f"the broker refuses the login: {reason}"
            self._ready.set()
            return
        with self._lock:
            topics = [f"{self._base}/response/#", *self._queues]
        client.subscribe([(topic, 1) for topic in topics])

    def _on_message(self, _client, _userdata, message):
        try:
            content = json.loads(message.payload)
        except ValueError:
            return
        with self._lock:
            queues = list(self._queues.get(message.topic, []))
        if not isinstance(content, dict):
            return
        for waiting in queues:
            _put(waiting, content)
        answer = None if queues else self._answers.get(content.get("id"))
        if answer is not None:
            _put(answer, content)


def _put(waiting, item):
    """Puts `item` into a queue, in place of the oldest one where it is full."""
    while True:
        try:
            return waiting.put_nowait(item)
        except queue.Full:
            try:
                waiting.get_nowait()
            except queue.Empty:
                pass


def to_mask(mask):
    """The mask of an object (maskEncoding: rle) as a numpy array of bool, height by width.

    Raises ValueError for another encoding, and for runs that do not fill the frame.
    """
    import numpy

    if "counts" not in mask:
        raise ValueError("expected a mask as RLE; set publish.maskEncoding: rle for this camera")
    height, width = mask["size"]
    runs = _runs(mask["counts"])
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise ValueError(f"the runs of the mask do not fill a frame of {width} x {height} pixels")
    pixels = numpy.repeat(numpy.arange(len(runs)) % 2 == 1, runs)
    return pixels.reshape(width, height).T


def _runs(counts):
    """Lengths of runs, off first, of COCO's compressed RLE (pycocotools, rleFrString)."""
    runs = []
    position = 0
    while position < len(counts):
        value = shift = 0
        more = True
        while more:
            if position == len(counts):
                raise ValueError("the runs of the mask end early")
            code = ord(counts[position]) - 48
            value |= (code & 0x1F) << shift
            shift += 5
            position += 1
            more = code & 0x20
        if code & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
    return runs
