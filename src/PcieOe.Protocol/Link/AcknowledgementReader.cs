using System.Buffers.Binary;
using System.Numerics;
using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>
/// Reads what the peer's frames say of ours: what has come, what it permits, how long the round trip takes, and so what was lost. Frame
/// numbers tell in which order frames were sent, so a frame is lost when ones sent sufficiently later have come; also when it was itself a
/// retransmission. What cannot be true is counted and ignored.
/// </summary>
internal sealed class AcknowledgementReader(
    SendWindow window, SentFrames frames, RoundTripEstimator roundTrip, CongestionWindow congestion, SequenceNumber firstSequence)
{
    private const int LeastReordering = 3;
    private const int MostReordering = 256;
    private const int AcknowledgementsUntilReorderingForgotten = 1024;

    /// <summary>Echoes held longer say little about the round trip: the two clocks drift.</summary>
    private const uint LongestEchoDelay = 10_000_000;

    private ulong _highestReceived;
    private int _reordering = LeastReordering;
    private int _acknowledgementsInOrder;

    /// <summary>The last sequence number that the peer has room for.</summary>
    public SequenceNumber Permitted { get; private set; } = firstSequence + (LinkOptions.InitialWindowFrames - 1);

    /// <summary>
    /// Takes in a genuine frame. True: something was acknowledged that was not before.
    /// </summary>
    /// <param name="continuation">Continues the header's bitmap; 64 bits big-endian each.</param>
    /// <param name="newest">No frame with a higher number came before it.</param>
    public bool Read(in FrameHeader header, ReadOnlySpan<byte> continuation, bool newest, long now, ref LinkCounters counters)
    {
        ulong received = frames.Expand(header.EchoedFrameNumber);
        if (header.NextExpected > window.NextToSend
            || newest && header.NextExpected < window.Unacknowledged
            || received == 0 && header.EchoedFrameNumber != 0)
        {
            counters.FalseStatements++;
            return false;
        }

        TakePermission(header, newest, ref counters);
        bool progress = AcknowledgeBefore(header.NextExpected, received, ref counters);
        SequenceNumber covered = header.NextExpected + 64;
        if (header.NextExpected == window.Unacknowledged)
        {
            progress |= header.Received != 0 && AcknowledgeBitmap(header.NextExpected + 1, header.Received, received, ref counters);
            for (; continuation.Length >= sizeof(ulong); continuation = continuation[sizeof(ulong)..])
            {
                ulong bitmap = BinaryPrimitives.ReadUInt64BigEndian(continuation);
                progress |= bitmap != 0 && AcknowledgeBitmap(covered + 1, bitmap, received, ref counters);
                covered += 64;
            }
        }

        if (newest && received > _highestReceived)
        {
            _highestReceived = received;
            long measured = Measure(received, header.EchoDelayNanoseconds, now, ref counters);
            FindLost(received, covered);
            congestion.OnAcknowledged(received, frames.Next, measured, roundTrip.Minimum);
        }

        return progress;
    }

    private void TakePermission(in FrameHeader header, bool newest, ref LinkCounters counters)
    {
        if (header.Permitted > Permitted && header.Permitted - header.NextExpected < LinkOptions.MaximumWindowFrames)
        {
            Permitted = header.Permitted;
        }
        else if (header.Permitted != Permitted && (newest || header.Permitted > Permitted))
        {
            counters.FalseStatements++;
        }
    }

    private bool AcknowledgeBefore(SequenceNumber next, ulong received, ref LinkCounters counters)
    {
        bool progress = false;
        for (; window.Unacknowledged < next; window.AdvanceUnacknowledged())
        {
            progress = true;
            int slot = window.Find(window.Unacknowledged);
            if (slot >= 0)
            {
                Acknowledge(slot, received, ref counters);
            }
        }

        return progress;
    }

    private bool AcknowledgeBitmap(SequenceNumber first, ulong bitmap, ulong received, ref LinkCounters counters)
    {
        bool progress = false;
        for (; bitmap != 0; bitmap &= bitmap - 1)
        {
            SequenceNumber sequence = first + BitOperations.TrailingZeroCount(bitmap);
            if (sequence >= window.NextToSend)
            {
                counters.FalseStatements++;
                break;
            }

            int slot = window.Find(sequence);
            if (slot >= 0)
            {
                Acknowledge(slot, received, ref counters);
                progress = true;
            }
        }

        return progress;
    }

    private void Acknowledge(int slot, ulong received, ref LinkCounters counters)
    {
        ref SendSlot entry = ref window[slot];
        if (entry.JudgedLost && (entry.State == SendSlotState.Lost || received < entry.FrameNumber))
        {
            // It was acknowledged before its retransmission can have come: reordered, not lost.
            counters.SpuriousRetransmits += entry.State == SendSlotState.Lost ? 0 : 1;
            _reordering = Math.Min(2 * _reordering, MostReordering);
            _acknowledgementsInOrder = 0;
            congestion.OnSpuriousLoss();
        }
        else if (_reordering > LeastReordering && ++_acknowledgementsInOrder > AcknowledgementsUntilReorderingForgotten)
        {
            _reordering = Math.Max(LeastReordering, _reordering / 2);
            _acknowledgementsInOrder = 0;
        }

        window.Acknowledge(slot);
    }

    /// <summary>The round trip of the echoed frame, without the time that the peer held the echo; 0 if it tells nothing.</summary>
    private long Measure(ulong received, uint delay, long now, ref LinkCounters counters)
    {
        if (!frames.Knows(received) || delay > LongestEchoDelay)
        {
            return 0;
        }

        long measured = now - frames.SentAt(received) - delay;
        if (measured < 0)
        {
            counters.FalseStatements++;
            return 0;
        }

        measured = Math.Max(1, measured);
        roundTrip.OnSample(measured, now);
        return measured;
    }

    /// <summary>
    /// Frames overtaken by enough others, or by one sent a round trip later, are lost; as far as the bitmap reaches, since of sequence
    /// numbers beyond it nothing is known.
    /// </summary>
    private void FindLost(ulong received, SequenceNumber covered)
    {
        long overtakenBefore = frames.Knows(received)
            ? frames.SentAt(received) - roundTrip.Smoothed - 4 * roundTrip.Variation
            : long.MinValue;
        for (int slot = window.OldestInFlight, next; slot >= 0; slot = next)
        {
            next = window.After(slot);
            ref SendSlot entry = ref window[slot];
            if (entry.FrameNumber >= received
                || entry.FrameNumber + (ulong)_reordering > received && entry.SentAt >= overtakenBefore)
            {
                break;
            }

            if (entry.Sequence <= covered)
            {
                entry.JudgedLost = true;
                window.OnLost(slot);
                congestion.OnLoss(entry.FrameNumber, frames.Next);
            }
        }
    }
}
