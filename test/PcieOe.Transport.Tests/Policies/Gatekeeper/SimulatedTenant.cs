using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

/// <summary>
/// One tenant with one session: a real link engine at either end, and a program at the sending one that keeps so many bytes under way
/// while it is on. Data goes one way, over a port and a bottleneck that <see cref="SimulatedNetwork"/> has; the way back is a delay.
/// </summary>
internal sealed class SimulatedTenant : IDisposable
{
    private readonly Queue<(long At, byte[] Frame)> _back = new();
    private readonly Queue<(long At, int Bytes)> _answers = new();
    private readonly byte[] _header = new byte[FrameHeader.Length];
    private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
    private long _outstanding;

    internal SimulatedTenant(string name, LinkOptions? options = null)
    {
        Name = name;
        LinkOptions link = options ?? new LinkOptions();
        Sender = new LinkEngine(link, null, 1, new Sink(this, isReceiver: false), new Sink(this, isReceiver: false), 0);
        Receiver = new LinkEngine(link, null, 2, new Sink(this, isReceiver: true), new Sink(this, isReceiver: true), 0);
        Session = new GatedEngine(Receiver);
    }

    internal string Name { get; }

    internal LinkEngine Sender { get; }

    internal LinkEngine Receiver { get; }

    internal IGatedSession Session { get; }

    /// <summary>Bytes that the program wants under way.</summary>
    internal long WindowBytes { get; init; } = long.MaxValue;

    /// <summary>Whether the program wants anything at a time.</summary>
    internal Func<long, bool> IsOn { get; init; } = _ => true;

    /// <summary>What happens to feedback that reaches the sender; null: it does not listen.</summary>
    internal Action<FeedbackMessage, long>? OnFeedback { get; set; }

    /// <summary>Content delivered at the receiver.</summary>
    internal long DeliveredBytes { get; private set; }

    /// <summary>Lets what is due happen, and the program fill its lane.</summary>
    internal void Step(long now)
    {
        while (_back.TryPeek(out (long At, byte[] Frame) next) && next.At <= now)
        {
            Sender.OnFrame(_back.Dequeue().Frame, now);
        }

        while (_answers.TryPeek(out (long At, int Bytes) answer) && answer.At <= now)
        {
            _outstanding -= _answers.Dequeue().Bytes;
        }

        RunTimer(Sender, now);
        RunTimer(Receiver, now);
        if (IsOn(now))
        {
            int bytes = Sender.MaximumTlpBytes;
            while (_outstanding + bytes <= WindowBytes && !Sender.Reserve(bytes).IsEmpty)
            {
                Sender.Commit(bytes);
                _outstanding += bytes;
            }
        }
    }

    /// <summary>The sender's next frame; empty: none.</summary>
    internal byte[] TakeFrame(long now, bool mayCarryData) =>
        Sender.TryGetFrameToSend(now, _header, _scratch, out ReadOnlySpan<byte> content, mayCarryData) ? [.. _header, .. content] : [];

    /// <summary>Sends what the receiver has to say.</summary>
    internal void Answer(long now, long delay)
    {
        while (Receiver.TryGetFrameToSend(now, _header, _scratch, out ReadOnlySpan<byte> content))
        {
            _back.Enqueue((now + delay, [.. _header, .. content]));
        }
    }

    internal void Receive(byte[] frame, long now, long delay)
    {
        long before = DeliveredBytes;
        Receiver.OnFrame(frame, now);
        if (DeliveredBytes > before)
        {
            _answers.Enqueue((now + delay, (int)(DeliveredBytes - before)));
        }
    }

    public void Dispose()
    {
        Sender.Dispose();
        Receiver.Dispose();
    }

    private static void RunTimer(LinkEngine engine, long now)
    {
        if (engine.NextDeadline <= now)
        {
            engine.OnTimer(now);
        }
    }

    private sealed class Sink(SimulatedTenant tenant, bool isReceiver) : ITlpSink, ILinkControlSink
    {
        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => tenant.DeliveredBytes += isReceiver ? tlps.Length : 0;

        public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
        {
            if (!isReceiver && type == FrameType.Feedback && FeedbackMessage.TryParse(content, out FeedbackMessage message))
            {
                tenant.OnFeedback?.Invoke(message, now);
            }
        }
    }

    private sealed class GatedEngine(LinkEngine engine) : IGatedSession
    {
        public LinkCounters Counters => engine.Counters;

        public void LimitReceive(int frames) => engine.LimitReceive(frames);

        public void ReleaseReceive() => engine.ReleaseReceive();

        public void SendFeedback(in FeedbackMessage message)
        {
            Span<byte> content = stackalloc byte[FeedbackMessage.Length];
            message.Write(content);
            engine.TryQueueControl(FrameType.Feedback, content);
        }
    }
}
