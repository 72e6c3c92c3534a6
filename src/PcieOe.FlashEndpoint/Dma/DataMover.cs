using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>
/// Gets commands their data before they are executed: has the data pointer walked, finds a staging buffer, gathers what comes from the
/// host. Commands that lack a buffer or room for a DMA read wait for it in order of arrival.
/// </summary>
internal sealed unsafe class DataMover(NvmeController controller, StagingBuffers buffers, DataPointers pointers, HostDataReader reader)
{
    private readonly CommandPipeline _pipeline = controller.Pipeline;
    private CommandFifo _needBuffer;
    private CommandFifo _needReadRoom;
    private bool _hasReadRoom = true;

    /// <summary>Whether the end of a call would get a command further.</summary>
    public bool HasBufferForWaiting => !_needBuffer.IsEmpty && buffers.Available > 0;

    /// <summary>Walks the data pointer and gathers data from the host; then the command is executed.</summary>
    public void Begin(Command command, long now)
    {
        if (command.DataBytes == 0)
        {
            _pipeline.Execute(command, now);
        }
        else
        {
            OnWalked(command, pointers.Begin(command), now);
        }
    }

    /// <summary>True once a staging buffer is held; false: the command waits for one, and is executed then.</summary>
    public bool EnsureBuffer(Command command)
    {
        if (command.Data is not null)
        {
            return true;
        }

        command.Step = CommandStep.Execute;
        return TryRent(command);
    }

    /// <summary>Gives back the buffer of a command that has ended.</summary>
    public void ReturnBuffer(Command command)
    {
        if (command.Buffer >= 0)
        {
            buffers.Return(command.Buffer);
            command.Buffer = -1;
        }
    }

    public static void OnData(Command command, TransactionName name, int offset, ReadOnlySpan<byte> data)
    {
        if (name.Kind == TransactionKind.List)
        {
            DataPointers.OnListData(command, offset, data);
        }
        else
        {
            HostDataReader.OnData(command, name.Part, offset, data);
        }
    }

    public void OnReadCompleted(Command command, TransactionKind kind, DmaReadStatus status, long now)
    {
        if (kind == TransactionKind.List)
        {
            OnWalked(command, pointers.OnListCompleted(command, status), now);
        }
        else if (HostDataReader.OnCompleted(command, status))
        {
            OnGathered(command, now);
        }
    }

    /// <summary>Takes each command that waits now once; those that still find no room wait again, behind the others.</summary>
    public void OnReadRoom(long now)
    {
        _hasReadRoom = true;
        CommandFifo due = _needReadRoom;
        _needReadRoom.Clear();
        while (due.TakeFirst() is { } command)
        {
            Continue(command, now);
        }
    }

    /// <summary>Hands out buffers that have come back.</summary>
    public void ServeWaiting(long now)
    {
        while (!_needBuffer.IsEmpty && buffers.TryRent(out int buffer))
        {
            Command command = _needBuffer.TakeFirst()!;
            Hold(command, buffer);
            Continue(command, now);
        }
    }

    /// <summary>Forgets the commands that wait: a reset.</summary>
    public void Reset()
    {
        _needBuffer.Clear();
        _needReadRoom.Clear();
        _hasReadRoom = true;
    }

    private void OnWalked(Command command, WalkResult result, long now)
    {
        switch (result)
        {
            case WalkResult.Pending:
                return;
            case WalkResult.NoRoom:
                WaitForReadRoom(command, CommandStep.ReadList);
                return;
            case WalkResult.Failed:
                _pipeline.Complete(command, command.Status, now);
                return;
        }

        if (command.Direction == TransferDirection.ToHost || reader.TryUseInPlace(command))
        {
            _pipeline.Execute(command, now);
            return;
        }

        command.Step = CommandStep.FetchData;
        if (TryRent(command))
        {
            Gather(command, now);
        }
    }

    private void Gather(Command command, long now)
    {
        if (!_hasReadRoom || !reader.TryStartReads(command))
        {
            WaitForReadRoom(command, CommandStep.FetchData);
        }
        else if (command.OutstandingReads == 0)
        {
            OnGathered(command, now);
        }
    }

    private void OnGathered(Command command, long now)
    {
        command.SegmentIndex = 0;
        command.SegmentOffset = 0;
        if (command.Status != NvmeStatus.Success)
        {
            _pipeline.Complete(command, command.Status, now);
        }
        else
        {
            _pipeline.Execute(command, now);
        }
    }

    // False: the command waits behind those that lack a buffer too.
    private bool TryRent(Command command)
    {
        if (!_needBuffer.IsEmpty || !buffers.TryRent(out int buffer))
        {
            _needBuffer.Add(command);
            return false;
        }

        Hold(command, buffer);
        return true;
    }

    private void Hold(Command command, int buffer)
    {
        command.Buffer = buffer;
        command.Data = buffers[buffer];
    }

    private void WaitForReadRoom(Command command, CommandStep step)
    {
        command.Step = step;
        _hasReadRoom = false;
        _needReadRoom.Add(command);
    }

    private void Continue(Command command, long now)
    {
        switch (command.Step)
        {
            case CommandStep.ReadList:
                OnWalked(command, pointers.ReadList(command), now);
                break;
            case CommandStep.FetchData:
                Gather(command, now);
                break;
            case CommandStep.Execute:
                _pipeline.Execute(command, now);
                break;
        }
    }
}
