using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Model;

/// <summary>
/// A driver that does everything at random, seeded: commands of all kinds with all kinds of data pointers on several queues and
/// namespaces, aborts, queue deletions, resets, DMA that fails or comes in pieces and out of order. What it reads, and that every
/// command ends exactly once, is held against <see cref="ReferenceBlocks"/>.
/// </summary>
internal sealed class ModelDriver : IDisposable
{
    private const int Slots = 24;
    private const int Queues = 3;
    private const int QueueEntries = 16;
    private const int RegionPages = 16;
    private const int MaximumBytes = 32 * 1024;
    private const ulong ForceUnitAccess = 1ul << 30;

    private readonly Random _random;
    private readonly ControllerHarness _harness;
    private readonly ReferenceBlocks[] _namespaces;
    private readonly ModelCommand[] _commands = [.. Enumerable.Range(0, Slots).Select(i => new ModelCommand(i))];
    private readonly TestQueue?[] _queues = new TestQueue?[Queues];
    private readonly ulong _regions;
    private readonly ulong _bufferRegions;
    private readonly ulong _trimPage;
    private readonly (ulong Submission, ulong Completion)[] _queueMemory = new (ulong, ulong)[Queues];
    private readonly byte[] _scratch = new byte[MaximumBytes];
    private ulong _nextStamp = 1;
    private bool _failsReads;

    public ModelDriver(int seed, IBlockMedia media, IFlashTiming timing)
    {
        _random = new Random(seed);
        NvmeOptions options = ControllerHarness.MakeOptions(1 << 20) with
        {
            MaximumOutstandingCommands = 20,
            StagingBuffers = 5,
            Namespaces = [new NamespaceOptions { SizeBytes = 512 * 1024 }, new NamespaceOptions { SizeBytes = 1 << 20, BlockBytes = 4096 }],
        };
        _namespaces = [new ReferenceBlocks(1, 1024, 512), new ReferenceBlocks(2, 256, 4096)];
        _harness = new ControllerHarness(options, media, timing, memoryBytes: 8 << 20);
        _harness.Host.KeepsLogs = false;
        _harness.Host.Disorder = _random;
        _harness.Host.MaximumReads = 6;
        _harness.Host.FailRead = address => _failsReads && address >= _trimPage && _random.Next(3) == 0 ? DmaReadStatus.CompleterAbort : DmaReadStatus.Success;
        for (int i = 0; i < Queues; i++)
        {
            _queueMemory[i] = (i == 0 ? _harness.AllocateMemoryBuffer(1) : _harness.AllocatePages(1), _harness.AllocatePages(1));
        }

        _bufferRegions = _harness.AllocateMemoryBuffer(Slots * 8);
        _harness.Enumerate();
        _harness.Enable();
        _trimPage = _harness.AllocatePages(Slots);
        _regions = _harness.AllocatePages(Slots * RegionPages);
        Start();
    }

    public long Completed { get; private set; }

    public long Aborted { get; private set; }

    public long Resets { get; private set; }

    public long Failed { get; private set; }

    /// <summary>Sends about so many commands, lets them end, and reads everything back.</summary>
    public void Run(long commands)
    {
        while (Completed < commands)
        {
            Act(_random.Next(1000));
            Work();
        }

        Drain();
        _failsReads = false;
        foreach (ReferenceBlocks blocks in _namespaces)
        {
            int step = MaximumBytes / blocks.BlockBytes;
            for (int first = 0; first < blocks.Count; first += step)
            {
                Send(NvmOpcode.Read, blocks, first, Math.Min(step, blocks.Count - first));
                Drain();
            }
        }

        Assert.Equal(0, _harness.Host.WritesOutsideMemory);
    }

    public void Dispose() => _harness.Dispose();

    private void Act(int dice)
    {
        switch (dice)
        {
            case 0:
                Reset();
                break;
            case 1:
                Recreate(_random.Next(Queues));
                break;
            case < 20:
                Abort();
                break;
            case < 25:
                _failsReads = !_failsReads;
                break;
            case < 35:
                _harness.Host.DefersAdmission = !_harness.Host.DefersAdmission;
                break;
            default:
                SendAny();
                break;
        }
    }

    private void SendAny()
    {
        ReferenceBlocks blocks = _namespaces[_random.Next(_namespaces.Length)];
        int count = 1 + _random.Next(Math.Min(MaximumBytes / blocks.BlockBytes, _random.Next(4) == 0 ? 64 : 8));
        int first = _random.Next(blocks.Count - count + 1);
        NvmOpcode opcode = _random.Next(100) switch
        {
            < 40 => NvmOpcode.Read,
            < 75 => NvmOpcode.Write,
            < 80 => NvmOpcode.Compare,
            < 85 => NvmOpcode.WriteZeroes,
            < 90 => NvmOpcode.DatasetManagement,
            < 95 => NvmOpcode.Flush,
            _ => NvmOpcode.Verify,
        };

        // Two commands on one block at a time have no defined outcome; and an uncertain block is settled by reading it.
        if (!blocks.IsBusy(first, count))
        {
            Send(blocks.IsCertain(first, count) ? opcode : NvmOpcode.Read, blocks, first, count);
        }
    }

    private void Send(NvmOpcode opcode, ReferenceBlocks blocks, int first, int count)
    {
        ModelCommand? command = Array.Find(_commands, candidate => !candidate.IsUnderWay);
        int index = _random.Next(Queues);
        if (command is null || _queues[index] is not { } queue || _commands.Count(other => other.IsUnderWay && other.Queue == index) >= QueueEntries - 1)
        {
            return;
        }

        command.IsUnderWay = true;
        command.Opcode = opcode;
        command.Queue = index;
        command.Blocks = blocks;
        command.First = first;
        command.Count = count;
        command.Stamp = opcode is NvmOpcode.Write or NvmOpcode.Compare ? _nextStamp++ : 0;
        command.MayBeAborted = false;
        command.ExpectsCompareFailure = opcode == NvmOpcode.Compare && _random.Next(2) == 0;
        blocks.SetBusy(first, count, true);

        SubmissionEntry entry = ControllerHarness.IoEntry(opcode, (ulong)first, count, namespaceId: blocks.Id);
        if (opcode is not (NvmOpcode.Flush or NvmOpcode.DatasetManagement) && _random.Next(4) == 0)
        {
            entry.CommandDword12 |= (uint)ForceUnitAccess;
        }

        if (opcode == NvmOpcode.DatasetManagement)
        {
            MakeRanges(ref entry, command);
        }
        else if (opcode is NvmOpcode.Read or NvmOpcode.Write or NvmOpcode.Compare)
        {
            MakeData(ref entry, command);
        }

        command.CommandId = _harness.Submit(queue, entry);
    }

    private void MakeRanges(ref SubmissionEntry entry, ModelCommand command)
    {
        entry.CommandDword10 = 1;
        entry.CommandDword11 = 4;
        entry.CommandDword12 = 0;
        entry.Prp1 = _trimPage + (ulong)command.Slot * 4096;
        Span<DatasetManagementRange> ranges = MemoryMarshal.Cast<byte, DatasetManagementRange>(_harness.Host.Bytes(entry.Prp1, 32));
        int inFirst = _random.Next(command.Count + 1);
        ranges[0] = new DatasetManagementRange { StartingLba = (ulong)command.First, LengthBlocks = (uint)inFirst };
        ranges[1] = new DatasetManagementRange { StartingLba = (ulong)(command.First + inFirst), LengthBlocks = (uint)(command.Count - inFirst) };
    }

    private void MakeData(ref SubmissionEntry entry, ModelCommand command)
    {
        int length = command.Count * command.Blocks.BlockBytes;
        ulong region = _regions + (ulong)(command.Slot * RegionPages) * 4096;
        _harness.Host.Bytes(region, RegionPages * 4096).Fill(0xA5);
        if (command.Opcode == NvmOpcode.Write && _random.Next(4) == 0)
        {
            DataPieces.InMemoryBuffer(ref entry, command, _bufferRegions + (ulong)(command.Slot * 8) * 4096, length);
        }
        else if (_random.Next(2) == 0)
        {
            DataPieces.Prp(ref entry, command, _harness, region, length, _random);
        }
        else
        {
            DataPieces.Sgl(ref entry, command, _harness, region, length, _random);
        }

        if (command.Opcode == NvmOpcode.Read)
        {
            return;
        }

        Span<byte> data = _scratch.AsSpan(0, length);
        command.Blocks.Fill(data, command.First, command.Count, command.Opcode == NvmOpcode.Write ? command.Stamp : null);
        if (command.ExpectsCompareFailure)
        {
            data[_random.Next(length)] ^= 0x40;
        }

        DataPieces.Copy(command, _harness, data);
    }

    // Some of what is outstanding goes on; now and then time passes.
    private void Work()
    {
        FakeHost host = _harness.Host;
        host.AnswerReads(_harness.Now, _random.Next(4));
        host.Admit(_harness.Now, _random.Next(3));
        host.Materialize(_harness.Now, _random.Next(4));
        if (_harness.Media is SlowMedia slow)
        {
            slow.Answer(_random.Next(3));
        }

        if (_random.Next(2) == 0)
        {
            _harness.Now += _random.Next(3000);
        }

        if (_harness.Function.NeedsPolling || _harness.Function.NextDeadline <= _harness.Now)
        {
            _harness.Function.OnTimer(_harness.Now);
        }

        Take();
    }

    private void Take()
    {
        for (int i = 0; i < Queues; i++)
        {
            while (_queues[i] is { } queue && _harness.TryTake(queue, out CompletionEntry entry))
            {
                End(i, in entry);
            }
        }
    }

    private void End(int queue, in CompletionEntry entry)
    {
        ushort id = entry.CommandId;
        ModelCommand? command = Array.Find(_commands, candidate => candidate.IsUnderWay && candidate.Queue == queue && candidate.CommandId == id);
        Assert.True(command is not null, $"Command {id} of queue {queue + 1} ended twice, or was never sent.");
        Completed++;
        command.IsUnderWay = false;
        command.Blocks.SetBusy(command.First, command.Count, false);
        switch (entry.Status)
        {
            case NvmeStatus.Success:
                Assert.False(command.ExpectsCompareFailure);
                Succeed(command);
                break;
            case NvmeStatus.CompareFailure:
                Assert.True(command.ExpectsCompareFailure);
                break;
            case NvmeStatus.AbortRequested or NvmeStatus.AbortedSubmissionQueueDeletion:
                Assert.True(command.MayBeAborted);
                Aborted++;
                MayHaveHappened(command);
                break;
            default:
                Assert.Equal(NvmeStatus.DataTransferError, entry.Status);
                Failed++;
                MayHaveHappened(command);
                break;
        }
    }

    private void Succeed(ModelCommand command)
    {
        switch (command.Opcode)
        {
            case NvmOpcode.Read:
                Span<byte> data = _scratch.AsSpan(0, command.Count * command.Blocks.BlockBytes);
                DataPieces.Gather(command, _harness, data);
                command.Blocks.Check(data, command.First, command.Count);
                break;
            case NvmOpcode.Write or NvmOpcode.WriteZeroes or NvmOpcode.DatasetManagement:
                command.Blocks.Write(command.First, command.Count, command.Stamp);
                break;
        }
    }

    private static void MayHaveHappened(ModelCommand command)
    {
        if (command.Opcode is NvmOpcode.Write or NvmOpcode.WriteZeroes or NvmOpcode.DatasetManagement)
        {
            command.Blocks.MayWrite(command.First, command.Count, command.Stamp);
        }
    }

    private void Drain()
    {
        _harness.Host.DefersAdmission = false;
        for (int rounds = 0; Array.Exists(_commands, command => command.IsUnderWay); rounds++)
        {
            Assert.True(rounds < 100_000, "Deadlock: a command never ends.");
            Work();
            if (_harness.Function.NextDeadline is not (long.MaxValue or long.MinValue))
            {
                _harness.Now = Math.Max(_harness.Now, _harness.Function.NextDeadline);
            }
        }
    }

    private void Abort()
    {
        ModelCommand? command = Array.Find(_commands, candidate => candidate.IsUnderWay && _random.Next(4) == 0);
        if (command is not null)
        {
            command.MayBeAborted = true;
            RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.Abort) with { CommandDword10 = (uint)command.CommandId << 16 | (uint)(command.Queue + 1) });
        }
    }

    // An admin command, while everything else goes on.
    private CompletionEntry RunAdmin(SubmissionEntry entry)
    {
        ushort id = _harness.Submit(_harness.Admin, entry);
        for (int rounds = 0; ; rounds++)
        {
            Assert.True(rounds < 100_000, "Deadlock: an admin command never ends.");
            if (_harness.TryTake(_harness.Admin, out CompletionEntry completion))
            {
                Assert.Equal(id, completion.CommandId);
                return completion;
            }

            Work();
        }
    }

    private void Recreate(int index)
    {
        foreach (ModelCommand command in _commands)
        {
            command.MayBeAborted |= command.IsUnderWay && command.Queue == index;
        }

        SubmissionEntry delete = ControllerHarness.AdminEntry(AdminOpcode.DeleteSubmissionQueue) with { CommandDword10 = (uint)index + 1 };
        Assert.Equal(NvmeStatus.Success, RunAdmin(delete).Status);
        Take();
        Assert.Equal(NvmeStatus.Success, RunAdmin(delete with { Opcode = (byte)AdminOpcode.DeleteCompletionQueue }).Status);
        Take();

        // What was submitted and never fetched is gone without a completion.
        Forget(command => command.Queue == index);
        Create(index);
    }

    private void Reset()
    {
        Resets++;
        _harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        if (_random.Next(2) == 0)
        {
            _harness.Function.Reset(FunctionResetKind.FunctionLevel, _harness.Now);
            _harness.Host.DropReads();
            _harness.Host.DropReady();
            _harness.Host.DropWaiting();
            _harness.Enumerate();
        }

        Forget(_ => true);
        Start();
    }

    private void Forget(Predicate<ModelCommand> which)
    {
        foreach (ModelCommand command in _commands)
        {
            if (command.IsUnderWay && which(command))
            {
                command.IsUnderWay = false;
                command.Blocks.SetBusy(command.First, command.Count, false);
                MayHaveHappened(command);
            }
        }
    }

    private void Start()
    {
        _harness.Enable();
        for (int i = 0; i < Queues; i++)
        {
            _queues[i] = null;
        }

        for (int i = 0; i < Queues; i++)
        {
            Create(i);
        }
    }

    private void Create(int index)
    {
        _queues[index] = null;
        (ulong submission, ulong completion) = _queueMemory[index];
        _harness.Host.Bytes(completion, 4096).Clear();
        uint shape = (QueueEntries - 1) << 16 | (uint)(index + 1);
        Assert.Equal(NvmeStatus.Success, RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.CreateCompletionQueue) with
        {
            Prp1 = completion,
            CommandDword10 = shape,
            CommandDword11 = (uint)(index + 1) << 16 | 3,
        }).Status);
        Assert.Equal(NvmeStatus.Success, RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.CreateSubmissionQueue) with
        {
            Prp1 = submission,
            CommandDword10 = shape,
            CommandDword11 = (uint)(index + 1) << 16 | 1,
        }).Status);
        _queues[index] = new TestQueue
        {
            Id = index + 1,
            Entries = QueueEntries,
            SubmissionAddress = submission,
            CompletionAddress = completion,
            IsInMemoryBuffer = index == 0,
        };
    }
}
