using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;

namespace PcieOe.Protocol.Tests.Sessions;

/// <summary>A frame on the wire, from the protocol's own header on.</summary>
internal sealed record WireFrame(MacAddress Source, MacAddress Destination, byte[] Bytes)
{
    public FrameType Type => FrameView.TryPeek(Bytes, out FrameType type, out _) ? type : default;
}

/// <summary>Something with an address on a <see cref="Segment"/>.</summary>
internal interface IStation
{
    MacAddress Address { get; }

    bool IsTarget { get; }

    long NextDeadline { get; }

    void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now);

    /// <summary>Timers, handshake jobs (inline), and everything there is to send.</summary>
    void Pump(long now, Action<WireFrame> send);
}

/// <summary>An Ethernet segment in virtual time: every frame takes the same time, and a test sees and changes each of them.</summary>
internal sealed class Segment
{
    private const long DelayNanoseconds = 10_000;

    private readonly List<IStation> _stations = [];
    private readonly PriorityQueue<WireFrame, (long, long)> _inFlight = new();
    private long _order;

    public long Now { get; set; } = 1_000_000_000;

    /// <summary>What becomes of a frame: none, one, or more of them arrive. Default: itself.</summary>
    public Func<WireFrame, IEnumerable<WireFrame>> Tap { get; set; } = frame => [frame];

    /// <summary>Every frame that was sent, before <see cref="Tap"/>.</summary>
    public List<WireFrame> Sent { get; } = [];

    public void Add(IStation station) => _stations.Add(station);

    public void Remove(IStation station) => _stations.Remove(station);

    public void Inject(WireFrame frame, long delayNanoseconds = DelayNanoseconds) =>
        _inFlight.Enqueue(frame, (Now + delayNanoseconds, _order++));

    public void RunMilliseconds(double milliseconds) => RunUntil(() => false, milliseconds);

    /// <summary>True: the condition came true within the time.</summary>
    public bool RunUntil(Func<bool> condition, double milliseconds = 10_000)
    {
        long end = Now + (long)(milliseconds * 1e6);
        int idleSteps = 0;
        while (true)
        {
            while (_inFlight.TryPeek(out WireFrame? frame, out (long At, long) due) && due.At <= Now)
            {
                _inFlight.Dequeue();
                Deliver(frame);
            }

            foreach (IStation station in _stations.ToArray())
            {
                station.Pump(Now, Send);
            }

            if (condition())
            {
                return true;
            }

            long next = _stations.Min(station => station.NextDeadline);
            if (_inFlight.TryPeek(out _, out (long At, long) first))
            {
                next = Math.Min(next, first.At);
            }

            if (next > end)
            {
                Now = end;
                return false;
            }

            // A deadline in the past that stays there: somebody asks to be called and does nothing.
            idleSteps = next <= Now ? idleSteps + 1 : 0;
            if (idleSteps > 10_000)
            {
                string late = string.Join(", ", _stations.Where(station => station.NextDeadline <= Now).Select(station => station.Address));
                throw new InvalidOperationException($"Nothing comes of a deadline of {late}.");
            }

            Now = Math.Max(Now + 1, next);
        }
    }

    private void Send(WireFrame frame)
    {
        Sent.Add(frame);
        foreach (WireFrame arriving in Tap(frame))
        {
            Inject(arriving);
        }
    }

    private void Deliver(WireFrame frame)
    {
        foreach (IStation station in _stations.ToArray())
        {
            if (station.Address == frame.Destination || (frame.Destination == HandshakeAddresses.Targets && station.IsTarget))
            {
                station.OnFrame(frame.Bytes, frame.Source, Now);
            }
        }
    }
}

/// <summary>The same numbers in every run.</summary>
internal sealed class SeededRandomSource(int seed) : IRandomSource
{
    private readonly Random _random = new(seed);

    public void Fill(Span<byte> destination) => _random.NextBytes(destination);
}
