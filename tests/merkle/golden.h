/* Made by golden/main.go; do not edit. */
#pragma once
/* clang-format off */
#define GOLDEN_VKEY "login.example.com/log+09f8b214+AZJzCPU9Z2VQPStkwQOrWqRyBqs5UCz+j5hEL9tUMQC3"
#define GOLDEN_WITNESS "witness.example/w1+918b6299+BMhAafoiFsbtwdUsqDqhHCZ91UQK+lJgkMpD69DKhqnP"
static const struct { unsigned size; const char *root; } golden_roots[] = {
	{ 1, "dziFphNIniTOLPdhmdakI/BC5LvxLX7s7pEu8nbGVwE=" },
	{ 2, "qxRcQJkRIgKEqNkwUvapd0hfJD5LMHL+8mxPRGRmJeo=" },
	{ 3, "fV4K2o7DB+rVdh+lv3zVwqCAnZNvbMPRe7cAvocDCMw=" },
	{ 255, "HVw1AQdjPMLERUTuH71FKdsoMFJl5YaBW37ZFwPFJrU=" },
	{ 256, "aAOyk59zs2MpgO4F5clPFIVjccqdBE02fJEXdk8X3Ts=" },
	{ 257, "tZhgjqnVLIGPabyE3IDS4OQwIyyQCtsEBE7lZu9p7Zo=" },
	{ 511, "u6mQSpjD7AnGfp+dZVFcDaW6kgjMeMkZ1WK/MYOLiOU=" },
	{ 512, "UVQz7pQ7kAWauOZ9Nazdi4h4nwPujE5ieDa0xs+F/uE=" },
	{ 513, "RiYXlaLxwlu96CcqoaSGpsyzBRgRLKMhPC3yZvxP/fA=" },
	{ 700, "2hHy3P9HLob2ZotRRR0gWdvhoAuJNZrw7oqw1TvpYRo=" },
	{ 1000, "5ZNpLPwhFhUZimWE88xhqqfRPNRHEZlHwMYpDycfFeg=" },
};
static const struct { unsigned index, size; const char *proof; } golden_proofs[] = {
	{ 0, 1,
	"" },
	{ 0, 1000,
	"caZgN5xsXh46jL/lldsVjlkzSEt9mmYzh/b9ewa6n1o=\n"
	"aqGAt7reOLiqlxPHKXfQorMQ8ZTrLZHqaMyKEp75Cmg=\n"
	"8+MIyaJzQrt6T/HGGEJqnl88J8Zz5KpNHRCSqJ8fFRw=\n"
	"VewUBIYDYzZmUzMTpy4zHsUA9Rhtcnb23UugZV76M1A=\n"
	"WNA8qngfq4d5ZeMtWacB2XNc9x/0i+eWSbZDpUmCc2c=\n"
	"V2/0GWRgdjwiW4hBXohWt4ryHyoy7KgLsTkx61fxxW8=\n"
	"aAErzrA6MoNObg5Yv54p/wxuWu9r6Xp65ibJUw04cvg=\n"
	"bw21Z+grJycwO2ts74XxzvHjSBqmUnJHwNp3bn/rHVM=\n"
	"2n7drlcNqtKsb7zjQWoXTPT7hWJVweOxycgMXK5Ohqk=\n"
	"fAq32gD7gzYhwd9J427iWDPQ2QM1fyScUAhxDpFQfLY=\n" },
	{ 777, 1000,
	"TXGomRRaGl2D09gM/t/Mh22GruJgI9QUDxUJWcMI/50=\n"
	"MRQO75yit+uBPzKp/vRC7jkuU2AxHAOp/n7CCCZPQlo=\n"
	"6z6LQB4e8MJucRXBqOWZfrCSrpzsb3Nwrxlf81GLvWs=\n"
	"4hMj0zNHfmhytOyB3HdEZn6FvDo8SXu0biSrq0Vhrl0=\n"
	"lbsUY9BO0YOOMGebG5an4LaZD7H9x7W+I6vDKwK9ISE=\n"
	"xLFnoPQzCh9SalTCTSLUhnxbruID0WfWkpT+43Gdda0=\n"
	"tv/2JrP1eMTJTnG6K4fn22hcE02ohq/l4qpx70vrGfU=\n"
	"XxIg+M5jgS5MEOJEZpB3Ic/L/hMCzNOXZAQGaiNWNlA=\n"
	"6TemYNvrrZP8e16gPzIHeffyAPc3GtjaGa3a/OAVTR8=\n"
	"UVQz7pQ7kAWauOZ9Nazdi4h4nwPujE5ieDa0xs+F/uE=\n" },
	{ 999, 1000,
	"4UKplPjO5QlWvWTjomHZPCVwnxT6/g61g5gs1zj4Z6I=\n"
	"WL5BYTHeZNf71QdxVt53E8lg0TNzAxUrCcY2CPXJlc0=\n"
	"kwtoLjtly9Mf/luu9NdBUsyy55t0cSPViW/YZBcONdk=\n"
	"SkIq4M+rncdx5vDEYS1JYSWnSDz3LIG39dSldVO0F7o=\n"
	"73+GcU3FuCDxysNKri+YBgDCA2Sef2O+gbAhxmD8CFE=\n"
	"avXULQ183+7LePxpPxJJZ+fW1BsVu0BzJTb0cr5AEHI=\n"
	"6TemYNvrrZP8e16gPzIHeffyAPc3GtjaGa3a/OAVTR8=\n"
	"UVQz7pQ7kAWauOZ9Nazdi4h4nwPujE5ieDa0xs+F/uE=\n" },
	{ 255, 257,
	"AoZVrul7s/+1JV49dkdZxQSHiSICA6rr6YzTNOhHyDM=\n"
	"8A7j2tkCtix9TFf3+EClAV9YqEOmuFVxJXV4q78hVG8=\n"
	"qhElGBm+ltrltpXJ1+v6xr6CS2dkDi5RlgGdrI1DAcs=\n"
	"Y679SLn7GUWCyP4rvKAQn6TlCsC+aUFXO9bpPSCyPpU=\n"
	"TyNqvJvaWvpSSws7SksM62JnxjGMn+3uH1/rlSS7gHQ=\n"
	"CKBEea5FbjbhXovVVb0LKZ3qeJm/hly7kvNU9X//pOE=\n"
	"OfW29csx7tOP3TE6fqn9tcsv7J1krlWOZ74E/j7h5AE=\n"
	"1tIMEjiKakV9oZY65rmjlW2Td0gZKntvpMfvQjGOsfE=\n"
	"Yf1f8yFOfieB1Cm1m3JQApCiLwYZztU3Cj75nEMcEwA=\n" },
	{ 256, 257,
	"aAOyk59zs2MpgO4F5clPFIVjccqdBE02fJEXdk8X3Ts=\n" },
};
static const struct { unsigned old, size; const char *proof; } golden_trees[] = {
	{ 1, 2,
	"caZgN5xsXh46jL/lldsVjlkzSEt9mmYzh/b9ewa6n1o=\n" },
	{ 1, 1000,
	"caZgN5xsXh46jL/lldsVjlkzSEt9mmYzh/b9ewa6n1o=\n"
	"aqGAt7reOLiqlxPHKXfQorMQ8ZTrLZHqaMyKEp75Cmg=\n"
	"8+MIyaJzQrt6T/HGGEJqnl88J8Zz5KpNHRCSqJ8fFRw=\n"
	"VewUBIYDYzZmUzMTpy4zHsUA9Rhtcnb23UugZV76M1A=\n"
	"WNA8qngfq4d5ZeMtWacB2XNc9x/0i+eWSbZDpUmCc2c=\n"
	"V2/0GWRgdjwiW4hBXohWt4ryHyoy7KgLsTkx61fxxW8=\n"
	"aAErzrA6MoNObg5Yv54p/wxuWu9r6Xp65ibJUw04cvg=\n"
	"bw21Z+grJycwO2ts74XxzvHjSBqmUnJHwNp3bn/rHVM=\n"
	"2n7drlcNqtKsb7zjQWoXTPT7hWJVweOxycgMXK5Ohqk=\n"
	"fAq32gD7gzYhwd9J427iWDPQ2QM1fyScUAhxDpFQfLY=\n" },
	{ 700, 1000,
	"cCBChB2E/sUx12L+wHO3h1CRx30A+miGHTv9vTd8iVY=\n"
	"1lcTAE3xppOKVLmZjNGKiGu3Tne/Qkw+wXkHP0uRSbQ=\n"
	"jmF6fqiTM3BwR5QEUSWVx4fJjgYrYjUVJXG3Cg5TwUo=\n"
	"q+cTGdRQ75ALHDsWM9h9FxX+QavSCiL/nfkEC+CRnEM=\n"
	"hLpEc069sQYb4TFDWrFkkFngv+etEOyjrfhdDRTH1Jk=\n"
	"ZfihcA0Yj9Xl1w3Fb3+VvdZGOwcsnA/kNlp9xVV51tg=\n"
	"vG8blqy5sCisKfYe7vT8it1RLh17vKbTRPrw9WAjQ0w=\n"
	"vOtbFwg0N7QSlfs4B94nL8RL7JSLNxyyH0iGDChh0b4=\n"
	"UVQz7pQ7kAWauOZ9Nazdi4h4nwPujE5ieDa0xs+F/uE=\n" },
	{ 512, 1000,
	"fAq32gD7gzYhwd9J427iWDPQ2QM1fyScUAhxDpFQfLY=\n" },
	{ 256, 257,
	"Yf1f8yFOfieB1Cm1m3JQApCiLwYZztU3Cj75nEMcEwA=\n" },
	{ 999, 1000,
	"4UKplPjO5QlWvWTjomHZPCVwnxT6/g61g5gs1zj4Z6I=\n"
	"t/IC8bVl5n1ULxYJ4oJZbokyrr3SS/gRlgqqI9DSuUE=\n"
	"WL5BYTHeZNf71QdxVt53E8lg0TNzAxUrCcY2CPXJlc0=\n"
	"kwtoLjtly9Mf/luu9NdBUsyy55t0cSPViW/YZBcONdk=\n"
	"SkIq4M+rncdx5vDEYS1JYSWnSDz3LIG39dSldVO0F7o=\n"
	"73+GcU3FuCDxysNKri+YBgDCA2Sef2O+gbAhxmD8CFE=\n"
	"avXULQ183+7LePxpPxJJZ+fW1BsVu0BzJTb0cr5AEHI=\n"
	"6TemYNvrrZP8e16gPzIHeffyAPc3GtjaGa3a/OAVTR8=\n"
	"UVQz7pQ7kAWauOZ9Nazdi4h4nwPujE5ieDa0xs+F/uE=\n" },
};
static const struct { unsigned level; uint64_t n; unsigned width; const char *path; } golden_paths[] = {
	{ 0, 0, 256, "tile/0/000" },
	{ 0, 0, 1, "tile/0/000.p/1" },
	{ 1, 5, 255, "tile/1/005.p/255" },
	{ 0, 999, 256, "tile/0/999" },
	{ 0, 1000, 256, "tile/0/x001/000" },
	{ 0, 1234067, 256, "tile/0/x001/x234/067" },
	{ 2, 1234067, 7, "tile/2/x001/x234/067.p/7" },
	{ 0, 1099511627776, 256, "tile/0/x001/x099/x511/x627/776" },
	{ 7, 1000000, 3, "tile/7/x001/x000/000.p/3" },
	{ 0, 36028797018963967, 255, "tile/0/x036/x028/x797/x018/x963/967.p/255" },
};
static const char golden_head[] =
	"login.example.com/log\n"
	"1000\n"
	"5ZNpLPwhFhUZimWE88xhqqfRPNRHEZlHwMYpDycfFeg=\n"
	"\n"
	"\342\200\224 login.example.com/log CfiyFHSpxd/SogiID9O4ni9QvAYu2F+Bkmm90KiHnhIurvB+XwtVhBGNgauMKIsrZy6+HfNGc/pM6SPYEw1OfIHy3w0=\n"
	"\342\200\224 login.example.com/log QwZB6AAAAABrA5IfDVxSdkcmEAiKIRaw61HDK3U9emw+TM9Mz21dFfk40REBo66bNFIDDDpCN3Lc0dvAE/8QZKnuZqyKqjiIx7oGDw==\n";
static const char golden_witnessed[] =
	"login.example.com/log\n"
	"1000\n"
	"5ZNpLPwhFhUZimWE88xhqqfRPNRHEZlHwMYpDycfFeg=\n"
	"\n"
	"\342\200\224 login.example.com/log CfiyFHSpxd/SogiID9O4ni9QvAYu2F+Bkmm90KiHnhIurvB+XwtVhBGNgauMKIsrZy6+HfNGc/pM6SPYEw1OfIHy3w0=\n"
	"\342\200\224 login.example.com/log QwZB6AAAAABrA5IfDVxSdkcmEAiKIRaw61HDK3U9emw+TM9Mz21dFfk40REBo66bNFIDDDpCN3Lc0dvAE/8QZKnuZqyKqjiIx7oGDw==\n"
	"\342\200\224 witness.example/w1 kYtimQAAAABrA5IgT66SGYXPatDs2QB3CklXv1Elkl2tRVGNB7vmyWQOHZYb6ym+PVaAMFO56G/VlOYz9XIhT57w82pl5Hl3guZtDQ==\n";
