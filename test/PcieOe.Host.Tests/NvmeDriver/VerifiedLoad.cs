using System.Runtime.InteropServices;
using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

/// <summary>
/// Random commands of all sizes at some depth, checked against a copy of the namespace. No two commands under way touch the same block
/// unless both read.
/// </summary>
internal sealed unsafe class VerifiedLoad : IDisposable
{
    private const int BlockBytes = BlockDriverHarness.BlockBytes;
    private const int Blocks = 8192;

    private readonly BlockDriverHarness _harness;
    private readonly Random _random;
    private readonly int _depth;
    private readonly int _maximumBlocks;
    private readonly uint[] _version = new uint[Blocks];
    private readonly int[] _readers = new int[Blocks];
    private readonly bool[] _isWritten = new bool[Blocks];
    private readonly BlockCommand[] _slots;
    private readonly Stack<int> _free = new();
    private readonly nint _buffers;
    private uint _nextVersion = 1;

    public VerifiedLoad(BlockDriverHarness harness, int depth, int seed)
    {
        _harness = harness;
        _random = new Random(seed);
        _depth = depth;
        _maximumBlocks = Math.Min(32, harness.Driver.MaximumTransferBytes / BlockBytes);
        _slots = new BlockCommand[depth];
        Assert.True(harness.Driver.Pool.TryAllocate(depth * (_maximumBlocks + 1) * BlockBytes, out _buffers));
        for (int slot = 0; slot < depth; slot++)
        {
            _free.Push(slot);
        }

        harness.Client.OnEnd = OnEnd;
    }

    public int UnderWay => _depth - _free.Count;

    public long Issued { get; private set; }

    /// <summary>Keeps the depth filled for so many commands, then waits for all.</summary>
    public void Run(int commands)
    {
        for (int issued = 0; issued < commands;)
        {
            issued += Fill(commands - issued);
            _harness.Round();
        }

        Finish();
    }

    /// <summary>Submits as many as the depth and the driver allow.</summary>
    public int Fill(int limit)
    {
        int issued = 0;
        while (issued < limit && _free.Count > 0 && TryIssue())
        {
            issued++;
        }

        Issued += issued;
        return issued;
    }

    public void Finish()
    {
        _harness.Run();
        Assert.Equal(0, UnderWay);
        Assert.Equal(0, _harness.Driver.CommandsUnderWay);
    }

    public void Dispose() => _harness.Client.OnEnd = null;

    private bool TryIssue()
    {
        int count = _random.Next(4) == 0 ? _random.Next(1, _maximumBlocks + 1) : 1;
        int lba = _random.Next(Blocks - count + 1);
        bool isRead = _random.Next(2) == 0;
        for (int block = lba; block < lba + count; block++)
        {
            if (_isWritten[block] || (!isRead && _readers[block] > 0))
            {
                return true;
            }
        }

        int slot = _free.Peek();
        nint buffer = _buffers + (nint)slot * (_maximumBlocks + 1) * BlockBytes + _random.Next(2) * 512;
        BlockOperation operation = isRead ? BlockOperation.Read : _random.Next(10) switch { 0 => BlockOperation.WriteZeroes, 1 => BlockOperation.Trim, _ => BlockOperation.Write };
        BlockCommand command = NvmeBlockDriverTests.Command(operation, (ulong)lba, (uint)count, operation <= BlockOperation.Write ? buffer : 0);
        command.Context = (ulong)slot;
        command.ForceUnitAccess = operation == BlockOperation.Write && _random.Next(8) == 0;
        if (operation == BlockOperation.Write)
        {
            for (int i = 0; i < count; i++)
            {
                FillBlock(Block(buffer, i), (uint)(lba + i), _nextVersion + (uint)i);
            }
        }

        if (!_harness.Driver.TrySubmit(command, _harness.Now))
        {
            return false;
        }

        _free.Pop();
        _slots[slot] = command;
        for (int i = 0; i < count; i++)
        {
            if (isRead)
            {
                _readers[lba + i]++;
            }
            else
            {
                _isWritten[lba + i] = true;
                _version[lba + i] = operation == BlockOperation.Write ? _nextVersion + (uint)i : 0;
            }
        }

        _nextVersion += (uint)count;
        return true;
    }

    private void OnEnd(ulong context, NvmeStatus status)
    {
        BlockCommand command = _slots[context];
        for (int i = 0; i < command.Blocks; i++)
        {
            int block = (int)command.Lba + i;
            if (command.Operation == BlockOperation.Read)
            {
                _readers[block]--;
                if (status == NvmeStatus.Success)
                {
                    CheckBlock(Block(command.Buffer, i), (uint)block, _version[block]);
                }
            }
            else
            {
                _isWritten[block] = false;
            }
        }

        _free.Push((int)context);
    }

    private static Span<uint> Block(nint buffer, int index) => MemoryMarshal.Cast<byte, uint>(new Span<byte>((void*)(buffer + index * BlockBytes), BlockBytes));

    private static void FillBlock(Span<uint> words, uint block, uint version)
    {
        for (int word = 0; word < words.Length; word++)
        {
            words[word] = Word(block, version, word);
        }
    }

    private static void CheckBlock(Span<uint> words, uint block, uint version)
    {
        for (int word = 0; word < words.Length; word++)
        {
            if (words[word] != (version == 0 ? 0 : Word(block, version, word)))
            {
                Assert.Fail($"Block {block}, word {word}: {words[word]:x8}, expected version {version}.");
            }
        }
    }

    private static uint Word(uint block, uint version, int word) => (block * 0x9E37_79B9u ^ version * 0x85EB_CA6Bu) + (uint)word * 0x0101_0103u;
}
