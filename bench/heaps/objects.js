// A heap without a key: MB of what a server in node holds. Then a line "ready".
const kept = [];
const mb = Number(process.argv[2]);
for (let i = 0; process.memoryUsage().rss < mb * 1048576;) {
  for (const until = i + 2000; i < until; i++) {
    kept.push({ id: i, name: `customer ${i}`, score: Math.random(), tags: ['new', `tag${i % 31}`],
      place: { lat: i / 7, lon: i / 11 }, seen: new Date(1.7e12 + i),
      body: JSON.stringify({ order: i, things: i % 97, note: `delivered on day ${i % 365}` }),
      history: [i, i + 1, i * 2, `step ${i}`], index: new Map([[`k${i}`, i]]) });
  }
}
console.log('ready');
process.stdin.resume();
