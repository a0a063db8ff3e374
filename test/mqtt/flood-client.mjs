// A client that floods a node with requests, as a process of its own: flood-client.mjs URL TOPIC PER_SECOND SECONDS MEMBERS
// MEMBERS: what each request holds beside its id, as JSON. Ends when the broker has them all, and prints one line of JSON.
import mqtt from 'mqtt';

const [url, topic, perSecond, seconds, members] = process.argv.slice(2);
const client = await mqtt.connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 });
const request = JSON.parse(members);
const sent = Number(perSecond) * Number(seconds);
const begin = performance.now();
const acknowledged = [];
for (let k = 0; k < sent; ) {
  const due = Math.min(sent, Math.floor(((performance.now() - begin) * Number(perSecond)) / 1000));
  for (; k < due; k += 1) {
    const payload = JSON.stringify({ id: `f-${process.pid}-${k}`, ...request });
    acknowledged.push(client.publishAsync(topic, payload, { qos: 1 }));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await Promise.all(acknowledged);
const tookS = (performance.now() - begin) / 1000;
const { user, system } = process.cpuUsage();
process.stdout.write(`${JSON.stringify({ sent, tookS, cores: (user + system) / 1e6 / tookS })}\n`);
client.end(true);
