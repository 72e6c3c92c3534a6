using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Ports.Impairment;

/// <summary>
/// A port with a bad line behind it. What is lost in <see cref="Send"/> counts as sent, as it would on a wire. Frames under way come out
/// when the port is used: a loop that sleeps must not do so beyond <see cref="NextDeadline"/>.
/// </summary>
public sealed unsafe class ImpairmentPort<TPort> : IPort
    where TPort : IPort
{
    private const int BatchFrames = 32;

    private readonly TPort _inner;
    private readonly Func<long> _clock;
    private readonly ImpairedFrame[] _taken = new ImpairedFrame[BatchFrames];
    private readonly OutgoingFrame[] _outgoing = new OutgoingFrame[BatchFrames];
    private readonly ReceivedFrame[] _received = new ReceivedFrame[BatchFrames];
    private readonly ImpairedFrame[] _delivered = new ImpairedFrame[BatchFrames];
    private int _deliveredCount;

    /// <param name="sending">What befalls sent frames; null: nothing.</param>
    /// <param name="receiving">What befalls received frames; null: nothing.</param>
    /// <param name="clock">Monotonic nanoseconds, or a simulation's.</param>
    public ImpairmentPort(TPort inner, ImpairmentOptions? sending, ImpairmentOptions? receiving, Func<long> clock)
    {
        _inner = inner;
        _clock = clock;
        Sending = sending is null ? null : new ImpairmentQueue(sending, inner.MaximumTransmissionUnit);
        Receiving = receiving is null ? null : new ImpairmentQueue(receiving, inner.MaximumTransmissionUnit);
    }

    /// <summary>The line behind <see cref="Send"/>, to cut it or to read its counters.</summary>
    public ImpairmentQueue? Sending { get; }

    /// <summary>The line before <see cref="Receive"/>.</summary>
    public ImpairmentQueue? Receiving { get; }

    public string Name => _inner.Name;

    public MacAddress Address => _inner.Address;

    public int MaximumTransmissionUnit => _inner.MaximumTransmissionUnit;

    public PortState State => _inner.State;

    public int PollDescriptor => _inner.PollDescriptor;

    public ref readonly PortCounters Counters => ref _inner.Counters;

    /// <summary>When a frame under way comes out, in either direction; <see cref="long.MaxValue"/> if none is under way.</summary>
    public long NextDeadline => Math.Min(Sending?.NextDeadline ?? long.MaxValue, Receiving?.NextDeadline ?? long.MaxValue);

    public int Receive(Span<ReceivedFrame> batch)
    {
        long now = _clock();
        SendDue(now);
        if (Receiving is null)
        {
            return _inner.Receive(batch);
        }

        int count = _inner.Receive(_received);
        for (int i = 0; i < count; i++)
        {
            ref readonly ReceivedFrame frame = ref _received[i];
            Receiving.Offer(frame.Bytes, default, frame.TimestampNanoseconds, frame.VlanTag, now);
        }

        _inner.Release();
        int limit = Math.Min(batch.Length, BatchFrames);
        while (_deliveredCount < limit && Receiving.TryTake(now, out ImpairedFrame frame))
        {
            batch[_deliveredCount] = new ReceivedFrame(frame.Data, frame.Length, frame.TimestampNanoseconds, frame.VlanTag);
            _delivered[_deliveredCount++] = frame;
        }

        return _deliveredCount;
    }

    public void Release()
    {
        if (Receiving is null)
        {
            _inner.Release();
            return;
        }

        for (; _deliveredCount > 0; _deliveredCount--)
        {
            Receiving.Release(_delivered[_deliveredCount - 1]);
        }
    }

    public int Send(ReadOnlySpan<OutgoingFrame> batch)
    {
        if (Sending is null)
        {
            return _inner.Send(batch);
        }

        long now = _clock();
        foreach (ref readonly OutgoingFrame frame in batch)
        {
            Sending.Offer(new ReadOnlySpan<byte>(frame.Header, frame.HeaderLength), new ReadOnlySpan<byte>(frame.Content, frame.ContentLength), 0, 0, now);
        }

        SendDue(now);
        return batch.Length;
    }

    public void Dispose()
    {
        Sending?.Dispose();
        Receiving?.Dispose();
        _inner.Dispose();
    }

    private void SendDue(long now)
    {
        if (Sending is null)
        {
            return;
        }

        int count;
        do
        {
            count = 0;
            while (count < BatchFrames && Sending.TryTake(now, out ImpairedFrame frame))
            {
                _taken[count] = frame;
                _outgoing[count++] = new OutgoingFrame { Header = frame.Data, HeaderLength = frame.Length };
            }

            if (count > 0)
            {
                _ = _inner.Send(_outgoing.AsSpan(0, count));
            }

            for (int i = 0; i < count; i++)
            {
                Sending.Release(_taken[i]);
            }
        }
        while (count == BatchFrames);
    }
}
