using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;

namespace PcieOe.Simulation;

/// <summary>One direction between a host and the target: delay, rate and queue, and everything that goes wrong on the way.</summary>
internal sealed class SimulatedPath(
    Scenario scenario, SimulationRandom random, FramePool pool, Totals totals, IStation receiver, MacAddress senderAddress)
{
    private const int FarReordering = 64;

    private long _freeAt;
    private long _order;
    private long _newestArrived = -1;
    private uint _session;
    private SequenceNumber _nextSequence;
    private FrameFlags _keyPhase;

    public IStation Receiver => receiver;

    public MacAddress SenderAddress => senderAddress;

    /// <summary>Nothing arrives until then.</summary>
    public long CutUntil { get; set; }

    /// <summary>Sends a frame taken from the pool; the path keeps or returns it.</summary>
    public void Send(SimulatedFrame frame, long now, SimulatedNetwork network)
    {
        frame.Path = this;
        frame.Order = _order++;
        totals.Frames++;
        Observe(frame.Span);
        long start = Math.Max(now, _freeAt);
        if (now < CutUntil || random.Chance(scenario.Loss) || start - now > scenario.QueueNanoseconds)
        {
            totals.Lost++;
            pool.Return(frame);
            return;
        }

        _freeAt = start + (long)(frame.Length * 8 / scenario.GigabitsPerSecond);
        while (random.Chance(scenario.Duplication))
        {
            totals.Duplicates++;
            Launch(pool.Take(frame), network);
        }

        Launch(frame, network);
    }

    public void OnArrival(SimulatedFrame frame)
    {
        if (frame.Order < _newestArrived)
        {
            totals.Reorderings++;
            totals.FarReorderings += _newestArrived - frame.Order > FarReordering ? 1 : 0;
        }

        _newestArrived = Math.Max(_newestArrived, frame.Order);
    }

    private void Launch(SimulatedFrame frame, SimulatedNetwork network)
    {
        if (random.Chance(scenario.Corruption))
        {
            totals.Corruptions++;
            Corrupt(frame);
        }

        long arrival = _freeAt + scenario.DelayNanoseconds;
        if (random.Chance(scenario.Reordering))
        {
            arrival += random.Between(0, scenario.ReorderingNanoseconds);
        }

        network.Enqueue(frame, arrival);
    }

    /// <summary>In the clear no more than what CRC-32C detects for certain: three bits, or a burst of 32.</summary>
    private void Corrupt(SimulatedFrame frame)
    {
        int bits = frame.Length * 8;
        switch (random.Between(0, scenario.Keyed ? 2 : 1))
        {
            case 0:
                int first = random.Between(0, bits - 1), second = random.Between(0, bits - 1), third = random.Between(0, bits - 1);
                Flip(frame, first);
                if (second != first)
                {
                    Flip(frame, second);
                }

                if (third != first && third != second)
                {
                    Flip(frame, third);
                }

                break;
            case 1:
                int start = random.Between(0, bits - 32);
                uint pattern = (uint)random.Next() | 1;
                for (int i = 0; i < 32; i++)
                {
                    if ((pattern >> i & 1) != 0)
                    {
                        Flip(frame, start + i);
                    }
                }

                break;
            default:
                int from = random.Between(0, frame.Length - 1);
                for (int i = from; i < frame.Length; i++)
                {
                    frame.Bytes[i] ^= (byte)random.Next();
                }

                frame.Bytes[from] ^= 0x55;
                break;
        }

        static void Flip(SimulatedFrame frame, int bit) => frame.Bytes[bit >> 3] ^= (byte)(0x80 >> (bit & 7));
    }

    /// <summary>Counts what the clear header tells.</summary>
    private void Observe(ReadOnlySpan<byte> bytes)
    {
        if (!FrameView.TryParse(bytes, out FrameView view) || view.Header.Type < FrameType.Data)
        {
            return;
        }

        FrameHeader header = view.Header;
        if (header.SessionId != _session)
        {
            _session = header.SessionId;
            _nextSequence = header.Sequence;
            _keyPhase = header.Flags & FrameFlags.KeyPhase;
        }

        totals.Rekeys += (header.Flags & FrameFlags.KeyPhase) != _keyPhase ? 1 : 0;
        _keyPhase = header.Flags & FrameFlags.KeyPhase;
        if (header.Type != FrameType.Data)
        {
            return;
        }

        if (header.Sequence < _nextSequence)
        {
            totals.Retransmits++;
        }
        else
        {
            totals.SequenceWraps += header.Sequence.Value == uint.MaxValue ? 1 : 0;
            _nextSequence = header.Sequence + 1;
        }
    }
}
