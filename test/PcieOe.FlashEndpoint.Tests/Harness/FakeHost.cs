using PcieOe.Protocol.Functions;

namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>
/// The far side of a function: host memory, interrupts, admission and egress queue, all under the test's control. DMA reads
/// are answered by <see cref="AnswerReads"/>, ready transactions leave by <see cref="Materialize"/>.
/// </summary>
internal sealed class FakeHost : IFunctionHost, IDmaWriter
{
    public const ulong MemoryBase = 0x1_0000_0000;
    public const ulong MessageBase = 0xFEE0_0000;

    private readonly List<PendingRead> _reads = [];
    private readonly List<PendingRead> _held = [];
    private readonly List<ReadyTransaction> _ready = [];
    private readonly byte[] _message = new byte[64];
    private ulong _messageAddress;
    private bool _hasMessage;
    private int _roomBytes = int.MaxValue;

    public FakeHost(int memoryBytes) => Memory = new byte[memoryBytes];

    public IPcieFunction Function { get; set; } = null!;

    public byte[] Memory { get; }

    /// <summary>Bytes one Reserve call may get: what is left of a frame.</summary>
    public int MaximumWriteBytes { get; set; } = 4096;

    public int MaximumReads { get; set; } = int.MaxValue;

    /// <summary>Whether the logs below are kept; long runs do without.</summary>
    public bool KeepsLogs { get; set; } = true;

    /// <summary>Room of one call of Materialize; it says Partial when that is used up.</summary>
    public int RoomBytesPerCall { get; set; } = int.MaxValue;

    /// <summary>Where set, DMA reads end with this instead of data.</summary>
    public Func<ulong, DmaReadStatus>? FailRead { get; set; }

    /// <summary>Where set, reads are answered and transactions leave in random order, in random pieces.</summary>
    public Random? Disorder { get; set; }

    public bool DefersAdmission { get; set; }

    public List<AdmissionRequest> Waiting { get; } = [];

    public List<AdmissionRequest> Submitted { get; } = [];

    /// <summary>Messages in the order of arrival: the data written to <see cref="MessageBase"/> + 16 x vector.</summary>
    public List<(ulong Address, uint Data)> Interrupts { get; } = [];

    public List<(ulong Address, int Length)> ReadLog { get; } = [];

    public List<ReadyTransaction> ReadyLog { get; } = [];

    public long InterruptCount { get; private set; }

    public int WritesOutsideMemory { get; private set; }

    public ulong CurrentOrigin { get; set; } = 77;

    public int PendingReads => _reads.Count;

    public int PendingReady => _ready.Count;

    public bool TryRead(ulong address, int length, DmaReadId id)
    {
        Xunit.Assert.InRange(length, 1, 1 << 20);
        if (_reads.Count >= MaximumReads)
        {
            WasTurnedDown = true;
            return false;
        }

        _reads.Add(new PendingRead(address, length, id));
        if (KeepsLogs)
        {
            ReadLog.Add((address, length));
        }

        return true;
    }

    public bool WasTurnedDown { get; set; }

    public Admission Submit(in AdmissionRequest request, long now)
    {
        if (KeepsLogs)
        {
            Submitted.Add(request);
        }

        if (!DefersAdmission)
        {
            return Admission.StartNow(now + 1_000_000);
        }

        Waiting.Add(request);
        return Admission.Deferred;
    }

    public void Ready(in ReadyTransaction transaction)
    {
        _ready.Add(transaction);
        if (KeepsLogs)
        {
            ReadyLog.Add(transaction);
        }
    }

    public Span<byte> Reserve(ulong address, int length)
    {
        EndMessage();
        int whole = Math.Min(Math.Min(length, MaximumWriteBytes), 4096 - (int)(address & 4095));
        if (whole < length)
        {
            // A shorter span ends on a doubleword boundary.
            whole -= (int)((address + (ulong)whole) & 3);
        }

        if (whole > _roomBytes)
        {
            return default;
        }

        _roomBytes -= whole;
        return Find(address, whole);
    }

    public Span<byte> ReserveWhole(ulong address, int length)
    {
        EndMessage();
        Xunit.Assert.InRange(length, 1, 64);
        Xunit.Assert.True((int)(address & 4095) + length <= 4096);
        if (length > _roomBytes)
        {
            return default;
        }

        _roomBytes -= length;
        if (address is >= MessageBase and < MessageBase + 0x10_0000)
        {
            _messageAddress = address;
            _hasMessage = true;
            return _message.AsSpan(0, length);
        }

        return Find(address, length);
    }

    /// <summary>Answers pending reads: all that were pending at the call, or only the first ones.</summary>
    public void AnswerReads(long now, int count = int.MaxValue)
    {
        for (count = Math.Min(count, _reads.Count); count > 0; count--)
        {
            int index = Disorder?.Next(Math.Min(count, _reads.Count)) ?? 0;
            PendingRead read = _reads[index];
            _reads.RemoveAt(index);
            Answer(read, now);
        }

        if (WasTurnedDown && _reads.Count < MaximumReads)
        {
            WasTurnedDown = false;
            Function.OnReadRoom(now);
        }
    }

    /// <summary>Sets pending reads aside; their answers come with <see cref="ReleaseHeldReads"/>.</summary>
    public void HoldReads()
    {
        _held.AddRange(_reads);
        _reads.Clear();
    }

    public void ReleaseHeldReads(long now)
    {
        foreach (PendingRead read in _held)
        {
            Answer(read, now);
        }

        _held.Clear();
    }

    /// <summary>Answers never come for what is pending.</summary>
    public void DropReads() => _reads.Clear();

    public void DropReady() => _ready.Clear();

    /// <summary>Forgets what waits for admission, as a host does with the tokens of a function it has reset.</summary>
    public void DropWaiting() => Waiting.Clear();

    /// <summary>Lets waiting commands start.</summary>
    public void Admit(long now, int count = int.MaxValue)
    {
        for (count = Math.Min(count, Waiting.Count); count > 0; count--)
        {
            AdmissionRequest request = Waiting[0];
            Waiting.RemoveAt(0);
            Function.OnAdmitted(request.Token, now + 1_000_000, now);
        }
    }

    /// <summary>Sends ready transactions; the number that left.</summary>
    public int Materialize(long now, int count = int.MaxValue)
    {
        int left = 0;
        for (count = Math.Min(count, _ready.Count); count > 0; count--)
        {
            int index = Disorder?.Next(Math.Min(count, _ready.Count)) ?? 0;
            ReadyTransaction transaction = _ready[index];
            _ready.RemoveAt(index);
            for (int calls = 0; ; calls++)
            {
                Xunit.Assert.True(calls < 100_000, "Materialize makes no progress.");
                _roomBytes = Disorder is null ? RoomBytesPerCall : Disorder.Next(8) == 0 ? Disorder.Next(0, 6000) : int.MaxValue;
                MaterializeResult result = Function.Materialize(transaction.Token, this, now);
                EndMessage();
                if (result != MaterializeResult.Partial)
                {
                    left += result == MaterializeResult.Completed ? 1 : 0;
                    break;
                }
            }
        }

        return left;
    }

    public Span<byte> Bytes(ulong address, int length) => Memory.AsSpan((int)(address - MemoryBase), length);

    private void Answer(PendingRead read, long now)
    {
        DmaReadStatus status = FailRead?.Invoke(read.Address) ?? DmaReadStatus.Success;
        bool isInside = read.Address >= MemoryBase && read.Address - MemoryBase <= (ulong)(Memory.Length - read.Length);
        status = isInside ? status : DmaReadStatus.UnsupportedRequest;
        if (status == DmaReadStatus.Success)
        {
            int split = Disorder is null || read.Length < 128 ? 0 : Disorder.Next(read.Length / 64) * 64;
            if (split > 0)
            {
                // The second piece first: pieces come in any order.
                Function.OnReadData(read.Id, split, Bytes(read.Address + (ulong)split, read.Length - split), now);
                Function.OnReadData(read.Id, 0, Bytes(read.Address, split), now);
            }
            else
            {
                Function.OnReadData(read.Id, 0, Bytes(read.Address, read.Length), now);
            }
        }

        Function.OnReadCompleted(read.Id, status, now);
    }

    private Span<byte> Find(ulong address, int length)
    {
        if (address < MemoryBase || address - MemoryBase > (ulong)(Memory.Length - length))
        {
            WritesOutsideMemory++;
            return new byte[length];
        }

        return Bytes(address, length);
    }

    private void EndMessage()
    {
        if (_hasMessage)
        {
            _hasMessage = false;
            InterruptCount++;
            if (KeepsLogs)
            {
                Interrupts.Add((_messageAddress, BitConverter.ToUInt32(_message)));
            }
        }
    }

    private readonly record struct PendingRead(ulong Address, int Length, DmaReadId Id);
}
