using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.Protocol.Functions;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// Turns posted completion entries into MSI-X messages: with the entry, later (coalescing: Set Features 08h and 09h), or when unmasked.
/// Messages that leave with no command have tokens of their own.
/// </summary>
internal sealed class InterruptSender
{
    private readonly NvmeController _controller;
    private readonly MsixTable _msix;
    private readonly Vector[] _vectors;
    private long _nextDeadline = long.MaxValue;

    public InterruptSender(NvmeController controller, MsixTable msix)
    {
        _controller = controller;
        _msix = msix;
        _vectors = new Vector[msix.Count];
    }

    /// <summary>When a coalesced interrupt is due.</summary>
    public long NextDeadline => _nextDeadline;

    public int VectorCount => _vectors.Length;

    /// <summary>Tells of an entry that was just written. True: this message belongs right behind it.</summary>
    public bool OnEntryPosted(CompletionQueue queue, long now, out ulong address, out uint data)
    {
        if (!queue.InterruptsEnabled || !_msix.IsEnabled)
        {
            address = 0;
            data = 0;
            return false;
        }

        ref Vector vector = ref _vectors[queue.Vector];
        long delay = _controller.Features.CoalescingNanoseconds(queue.Vector);
        if (delay > 0)
        {
            if (vector.Posted == 0)
            {
                vector.Deadline = now + delay;
                _nextDeadline = Math.Min(_nextDeadline, vector.Deadline);
            }

            if (++vector.Posted <= _controller.Features.CoalescingThreshold)
            {
                address = 0;
                data = 0;
                return false;
            }
        }

        vector.Posted = 0;
        return _msix.TryTake(queue.Vector, out address, out data);
    }

    public void OnTimer(long now)
    {
        if (now < _nextDeadline)
        {
            return;
        }

        _nextDeadline = long.MaxValue;
        for (int i = 0; i < _vectors.Length; i++)
        {
            ref Vector vector = ref _vectors[i];
            if (vector.Posted == 0)
            {
                continue;
            }

            if (vector.Deadline <= now)
            {
                vector.Posted = 0;
                Queue(i, now);
            }
            else
            {
                _nextDeadline = Math.Min(_nextDeadline, vector.Deadline);
            }
        }
    }

    /// <summary>Masks may have been lifted: sends what is pending behind them.</summary>
    public void OnUnmasked(long now)
    {
        if (!_controller.IsBusMaster)
        {
            return;
        }

        for (int i = 0; i < _vectors.Length; i++)
        {
            if (_msix.IsPendingUnmasked(i))
            {
                Queue(i, now);
            }
        }
    }

    public MaterializeResult Materialize(int index, IDmaWriter writer)
    {
        if (index >= _vectors.Length || !_vectors[index].IsQueued)
        {
            return MaterializeResult.Completed;
        }

        if (!_controller.IsBusMaster)
        {
            // Comes again from the pending bit once the host lets the function write.
            _vectors[index].IsQueued = false;
            _msix.SetPending(index);
            return MaterializeResult.Completed;
        }

        if (_msix.TryTake(index, out ulong address, out uint data))
        {
            Span<byte> message = writer.ReserveWhole(address, 4);
            if (message.IsEmpty)
            {
                _msix.SetPending(index);
                return MaterializeResult.Partial;
            }

            System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(message, data);
        }

        _vectors[index].IsQueued = false;
        return MaterializeResult.Completed;
    }

    public void Reset()
    {
        Array.Clear(_vectors);
        _nextDeadline = long.MaxValue;
    }

    private void Queue(int index, long now)
    {
        ref Vector vector = ref _vectors[index];
        if (!vector.IsQueued)
        {
            vector.IsQueued = true;
            var ready = new ReadyTransaction
            {
                Token = new TransactionName(TransactionKind.Interrupt, _controller.State.Epoch, index).Token,
                DeadlineNanoseconds = now,
                BytesToWrite = 4,
                ArrivalNanoseconds = now,
                AdmittedNanoseconds = now,
                ReadyNanoseconds = now,
            };
            _controller.Host.Ready(in ready);
        }
    }

    private struct Vector
    {
        /// <summary>Entries posted since the last message, while coalescing.</summary>
        public int Posted;

        public long Deadline;

        /// <summary>A token of it is in the egress queue.</summary>
        public bool IsQueued;
    }
}
